import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { handlerScript } from '../../src/engine/host-work.ts';
import { sh } from './sh.ts';

const path = mkdtempSync(join(tmpdir(), 'hapg-test-handler-'));
after(() => rmSync(path, { recursive: true }));

/** Runs a handler where systemctl says these things of the unit, before and after; what it was told to do. */
function handle(action: 'restart' | 'reload', before: string, afterwards = before) {
  writeFileSync(join(path, 'said'), '');
  writeFileSync(
    join(path, 'systemctl'),
    `#!/bin/sh
[ "$1" = is-active ] || { echo "$*" >> ${path}/said; exit 0; }
state=${before}; grep -q try- ${path}/said && state=${afterwards}
echo "$state"; [ "$state" = active ]
`,
    { mode: 0o755 },
  );
  const { code } = sh(handlerScript({ action, unit: 'etcd.service' }), { path });
  return { code, said: readFileSync(join(path, 'said'), 'utf8').trim().split('\n').slice(1) };
}

for (const state of ['inactive', 'failed'])
  test(`a due reload of a unit that is ${state} is left to the step that starts it`, () => {
    assert.deepEqual(handle('reload', state), { code: 0, said: [] });
  });

test('a unit that runs is reloaded or restarted, and one that does not live through it ends the run', () => {
  assert.deepEqual(handle('reload', 'active'), { code: 0, said: ['try-reload-or-restart etcd.service'] });
  assert.deepEqual(handle('restart', 'activating', 'active'), { code: 0, said: ['try-restart etcd.service'] });
  assert.notEqual(handle('restart', 'active', 'failed').code, 0);
});
