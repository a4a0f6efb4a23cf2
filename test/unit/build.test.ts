import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Script } from 'node:vm';

test("the build leaves V8's code of the program, which fits, whatever the files of the person who builds say", (context) => {
  const home = mkdtempSync(join(tmpdir(), 'hapg-build-'));
  const directory = join('.test', `${process.pid}-build`);
  context.after(() => {
    for (const one of [home, directory]) rmSync(one, { recursive: true, force: true });
  });
  mkdirSync(join(home, '.ssh'));
  writeFileSync(join(home, '.ssh', 'config'), 'Host *\n  ProxyCommand tunnel %h\n');
  execFileSync(process.execPath, ['build.mjs', directory], {
    env: { ...process.env, HOME: home, HAPG_INVENTORY: 'own.yaml' },
  });
  const bundle = join(directory, 'program.cjs');
  const text = readFileSync(bundle, 'latin1');
  assert.doesNotMatch(text, /[^\x00-\x7f]/, 'it is read as Latin-1');
  const script = new Script(text, {
    filename: bundle,
    cachedData: readFileSync(join(directory, 'program.code')),
  });
  assert.equal(script.cachedDataRejected, false);
  const licenses = readFileSync(join(directory, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  const named = [...licenses.matchAll(/^-+\n(\S+) (\S+)\n-+\n\n(?=\S)/gm)].map(([, name]) => name!);
  // esbuild puts the path of each file that it has taken before its code.
  const bundled = new Set(
    [...text.matchAll(/^ *\/\/ (?:.*\/)?node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm)].map(([, name]) => name!),
  );
  assert.ok(bundled.size > 50, `only ${bundled.size} packages were found`);
  assert.deepEqual([...bundled].sort(), [...new Set(named)].sort(), 'every package in the bundle has its licence');
  const pages = readdirSync(join(directory, 'man'));
  assert.ok(pages.includes('hapg.1') && pages.includes('hapg-apply.1'), pages.join());
  assert.match(readFileSync(join(directory, 'man', 'hapg.1'), 'utf8'), /\(default: inventory\.yaml\)/);
  assert.deepEqual(readdirSync(directory).sort(), [
    'THIRD-PARTY-LICENSES.txt',
    'hapg.js',
    'man',
    'program.cjs',
    'program.code',
  ]);
});
