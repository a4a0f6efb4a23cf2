import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unreachable } from '../../../src/errors.ts';
import { unreachableError } from '../../../src/run/reach.ts';

/** So many hosts, each with a reason at an address of its own. */
const failed = (count: number, reason: (index: number) => string) =>
  new Map(
    Array.from({ length: count }, (_, index) => {
      const host = `db${index + 1}`;
      return [host, new Unreachable(host, `root@10.0.0.${index + 1}:22: ${reason(index)}`)] as const;
    }),
  );

test('a few unreachable hosts have a line each', () => {
  const { message } = unreachableError(failed(3, () => 'connection refused'));
  assert.deepEqual(message.split('\n'), [
    'db1: unreachable: root@10.0.0.1:22: connection refused',
    'db2: unreachable: root@10.0.0.2:22: connection refused',
    'db3: unreachable: root@10.0.0.3:22: connection refused',
    'Nothing was changed',
  ]);
});

test('of many, those with the same reason are told together, whatever their addresses', () => {
  const { message, exitCode } = unreachableError(
    failed(13, (index) => (index === 4 ? 'login refused' : 'connection refused')),
    'Go on.',
  );
  assert.deepEqual(message.split('\n'), [
    '12 hosts are unreachable: connection refused',
    '  db1, db2, db3, db4, db6, db7, db8, db9, db10, db11, db12, db13',
    'db5: unreachable: root@10.0.0.5:22: login refused',
    'Nothing was changed. Go on.',
  ]);
  assert.equal(exitCode, 4);
});
