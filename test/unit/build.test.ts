import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  execFileSync(process.execPath, ['build.mjs', directory], { env: { ...process.env, HOME: home } });
  const bundle = join(directory, 'program.cjs');
  const text = readFileSync(bundle, 'latin1');
  assert.doesNotMatch(text, /[^\x00-\x7f]/, 'it is read as Latin-1');
  const script = new Script(text, {
    filename: bundle,
    cachedData: readFileSync(join(directory, 'program.code')),
  });
  assert.equal(script.cachedDataRejected, false);
});
