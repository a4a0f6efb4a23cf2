import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holder, lockScript } from '../../../src/engine/lock.ts';
import { holderScript } from '../../../src/observe/run-state.ts';
import { PATHS } from '../../../src/paths.ts';

const who = holder('20261122', 'apply');

/** Runs sh with the state directory of a host elsewhere. */
function sh(script: string): string {
  const state = mkdtempSync(join(tmpdir(), 'hapg-test-lock-'));
  try {
    return execFileSync('/bin/sh', ['-c', script.replaceAll(PATHS.state, state)]).toString();
  } finally {
    rmSync(state, { recursive: true });
  }
}

test('a look at who holds the lock, at the moment a run takes it, does not make the run give way', () => {
  for (const kind of ['-s', '-x'])
    assert.equal(
      sh(`touch ${PATHS.lock}; flock ${kind} ${PATHS.lock} sleep 0.3 & sleep 0.1; ${lockScript(who, 0)}`),
      'locked\n',
      kind,
    );
});

test('who looks does not take another that looks for a holder', () => {
  assert.equal(sh(`echo earlier > ${PATHS.lock}; flock -s ${PATHS.lock} sleep 0.5 & sleep 0.1; ${holderScript}`), '');
});

test('a run that holds the lock is named, to whoever looks and to the run that wants it', () => {
  const told = sh(`${lockScript(who, 0)}\n(${holderScript}) 9>&-\n(${lockScript(who, 0)}) 9>&-`);
  assert.equal(told, `locked\n${JSON.stringify(who)}held\n${JSON.stringify(who)}`);
});
