import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditLine } from '../../../src/engine/audit.ts';

test('every run writes the same form into the audit log of a host', () => {
  const entry = { run: '20260101', by: 'me@here', changed: 2, result: 'ok' };
  assert.equal(auditLine({ ...entry, command: 'apply' }), 'run=20260101 by=me@here command=apply changed=2 result=ok');
  assert.equal(
    auditLine({ ...entry, by: 'uid 1000@here', command: 'config edit', result: 'failed' }),
    'run=20260101 by="uid 1000@here" command="config edit" changed=2 result=failed',
  );
});
