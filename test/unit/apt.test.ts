import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { APT } from '../../src/programs/apt.ts';

const bin = mkdtempSync(join(tmpdir(), 'hapg-test-apt-'));
after(() => rmSync(bin, { recursive: true }));

/** Runs the function with an apt-get that fails `times` times with these words; tells its status and how often it was called. */
function apt(times: number, words: string, stderr: boolean) {
  writeFileSync(join(bin, 'calls'), '');
  writeFileSync(
    join(bin, 'apt-get'),
    `#!/bin/sh\necho x >> ${bin}/calls\n[ $(wc -l < ${bin}/calls) -gt ${times} ] && { echo installed; exit 0; }\necho "${words}" ${stderr ? '>&2' : ''}\nexit 100\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(bin, 'sleep'), '#!/bin/sh\n', { mode: 0o755 });
  const { stdout, status } = spawnSync('/bin/sh', ['-c', `set -e\n${APT}\napt install x\necho done`], {
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    encoding: 'utf8',
  });
  return { stdout, status, calls: readFileSync(join(bin, 'calls'), 'utf8').split('\n').length - 1 };
}

test("another one's lock on apt's lists or archives is waited for", () => {
  const words = 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)';
  assert.deepEqual(apt(3, words, true), {
    stdout: `${`${words}\n`.repeat(3)}installed\ndone\n`,
    status: 0,
    calls: 4,
  });
  assert.equal(apt(100, 'E: Unable to lock directory /var/cache/apt/archives/', true).calls, 60, 'with an end');
});

test("dpkg's lock apt has waited for itself", () => {
  const words = 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)';
  assert.equal(apt(9, words, true).calls, 1);
});

test('every other failure is one at once, with what apt has said', () => {
  assert.deepEqual(apt(9, 'E: Unable to locate package x', false), {
    stdout: 'E: Unable to locate package x\n',
    status: 100,
    calls: 1,
  });
});
