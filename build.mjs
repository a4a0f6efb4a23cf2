// Bundles the command into one file: loading six libraries one by one costs more than a whole no-op run over the network.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/cli.ts'],
  outdir: 'dist',
  entryNames: 'hapg',
  bundle: true,
  splitting: true,
  chunkNames: 'chunk-[hash]',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  minifySyntax: true,
  // Optional native accelerators of ssh2: absent is fine, Node's own crypto is used.
  external: ['cpu-features', '*.node'],
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as __hapgRequire } from 'node:module'; const require = __hapgRequire(import.meta.url);",
  },
});
