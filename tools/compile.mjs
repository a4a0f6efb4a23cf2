// Writes V8's code of the built program beside it: node tools/compile.mjs DIRECTORY
// V8 compiles a function when it is called first, so the program renders the example inventory once before.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Script } from 'node:vm';

const directory = resolve(process.argv[2]);
const bundle = join(directory, 'program.cjs');
const launcher = join(directory, 'hapg.js');
const script = new Script(readFileSync(bundle, 'latin1'), { filename: bundle });

// A copy, beside which no lab has left its secrets, and a home without files of the person who builds.
const copy = mkdtempSync(join(tmpdir(), 'hapg-compile-'));
cpSync('inventory/lab.yaml', join(copy, 'lab.yaml'));
process.env.HOME = copy;
process.on('exit', () => {
  rmSync(copy, { recursive: true });
  writeFileSync(join(directory, 'program.code'), script.createCachedData());
});
process.argv = [process.execPath, launcher, 'render', join(copy, 'rendered'), '-i', join(copy, 'lab.yaml')];
script.runInThisContext()(createRequire(launcher), launcher, directory);
