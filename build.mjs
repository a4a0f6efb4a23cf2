// Bundles the command into one file: loading six libraries one by one costs more than a whole no-op run over the network.
// Tests bundle their own programs, and themselves, in the same way: node build.mjs DIRECTORY ENTRY...
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

const [directory = 'dist', ...entries] = process.argv.slice(2);

rmSync(directory, { recursive: true, force: true });

await build({
  // All in one directory, since sources find their data from where they lie; by their paths, since names may be the same.
  entryPoints:
    entries.length > 0
      ? entries.map((entry) => ({ in: entry, out: entry.replace(/\.ts$/, '').replaceAll('/', '-') }))
      : [{ in: 'src/cli.ts', out: 'hapg' }],
  outdir: directory,
  sourcemap: entries.length > 0,
  // The sources lie in the checkout; every process reads the whole map.
  sourcesContent: false,
  bundle: true,
  splitting: true,
  chunkNames: 'chunk-[hash]',
  platform: 'node',
  mainFields: ['module', 'main'],
  target: 'node20.19',
  format: 'esm',
  minifySyntax: true,
  // Optional native accelerators of ssh2: absent is fine, Node's own crypto is used.
  external: ['cpu-features', '*.node'],
  banner: {
    // What CommonJS packages (ssh2) expect to find around them.
    js: "#!/usr/bin/env node\nimport { createRequire as __hapgRequire } from 'node:module'; const require = __hapgRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;",
  },
});
