// Builds the program into DIRECTORY (dist): node build.mjs [DIRECTORY]
// Bundles the files of tests, each with what it imports, into DIRECTORY: node build.mjs DIRECTORY ENTRY...
// Both, because loading sources and libraries one by one takes longer than a run over the network that changes nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundledPackages, licenseText } from './tools/licenses.mjs';

const [directory = 'dist', ...entries] = process.argv.slice(2);

rmSync(directory, { recursive: true, force: true });

const common = {
  outdir: directory,
  bundle: true,
  platform: 'node',
  mainFields: ['module', 'main'],
  target: 'node20.19',
  minifySyntax: true,
  // Optional native accelerators of ssh2: absent is fine, Node's own crypto is used.
  external: ['cpu-features', '*.node'],
};

const ESM = {
  format: 'esm',
  banner: {
    // What CommonJS packages (ssh2) expect to find around them.
    js: "import { createRequire as __hapgRequire } from 'node:module'; const require = __hapgRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;",
  },
};

/** Entries that share what they have in common, as modules with source maps. */
const modules = () =>
  build({
    ...common,
    // All in one directory, since sources find their data from where they lie; by their paths, since names may be the same.
    entryPoints: entries.map((entry) => ({ in: entry, out: entry.replace(/\.ts$/, '').replaceAll('/', '-') })),
    ...ESM,
    sourcemap: true,
    // The sources lie in the checkout; every process reads the whole map.
    sourcesContent: false,
    splitting: true,
    chunkNames: 'chunk-[hash]',
  });

/** The program as one function, which src/launch.ts calls, V8's code of it, and the licences of what it contains. */
async function program() {
  const { metafile } = await build({
    ...common,
    entryPoints: [{ in: 'src/main.ts', out: 'program' }],
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    metafile: true,
    define: { 'import.meta.url': '__url' },
    banner: {
      js: '(function (require, __filename, __dirname) { const __url = require("node:url").pathToFileURL(__filename).href;',
    },
    footer: { js: '})' },
  });
  // What esbuild leaves beyond ASCII stands in regular expressions and comments; an escape means the same there.
  const bundle = join(directory, 'program.cjs');
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  writeFileSync(bundle, readFileSync(bundle, 'utf8').replace(/[^\x00-\x7f]/g, escaped));
  writeFileSync(join(directory, 'THIRD-PARTY-LICENSES.txt'), licenseText(bundledPackages(metafile)));
  await build({
    ...common,
    entryPoints: [{ in: 'src/launch.ts', out: 'hapg' }],
    format: 'esm',
    banner: { js: '#!/usr/bin/env node' },
  });
  execFileSync(process.execPath, ['tools/compile.mjs', directory], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The man pages, which are made from the program's own commands. */
async function manPages() {
  await build({
    ...common,
    entryPoints: [{ in: 'tools/man.ts', out: 'man' }],
    outExtension: { '.js': '.mjs' },
    ...ESM,
  });
  const script = join(directory, 'man.mjs');
  // The default inventory of the person who builds is none of theirs.
  const env = { ...process.env, HAPG_INVENTORY: '' };
  execFileSync(process.execPath, [script, join(directory, 'man')], { env, stdio: 'inherit' });
  rmSync(script);
}

if (entries.length > 0) await modules();
else {
  await program();
  await manPages();
}
