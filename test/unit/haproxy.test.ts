import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUp, send } from '../../src/programs/haproxy.ts';
import { programs, sh } from './sh.ts';

const balancer = (socat: string) => ({ path: programs({ socat }) });
const drain = send(['set server replica/db1 state drain', 'set server sync/db1 state drain']);

test('commands that HAProxy takes without a word are done', () => {
  assert.deepEqual(sh(drain, balancer('cat >/dev/null; echo')), { code: 0, out: '' });
});

for (const [what, socat] of [
  ['it answers with words', 'cat >/dev/null; echo "No such server."'],
  ['it gives no answer', 'exit 1'],
] as const)
  test(`a command is a failure where ${what}`, () => {
    const { code, out } = sh(drain, balancer(socat));
    assert.equal(code, 1);
    assert.match(out, /^HAProxy: /);
  });

test('a backend is up when HAProxy says so of one of its servers', () => {
  const stat = (status: string) => `printf 'primary,db1,0,0,DOWN\\nprimary,db2,0,0,${status}\\nreplica,db3,0,0,UP\\n'`;
  assert.equal(sh(isUp('primary'), balancer(stat('UP'))).code, 0);
  assert.notEqual(sh(isUp('primary'), balancer(stat('DOWN'))).code, 0);
  assert.notEqual(sh(isUp('primary'), balancer('exit 1')).code, 0);
});
