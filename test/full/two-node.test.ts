/**
 * Proves the shape of two database hosts with HAProxy on each, a witness, and a balancer of somebody else's in front.
 * Takes about 15 minutes.
 */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { shape } from '../lab/shape.ts';
import { test } from '../support/group.ts';
import { leaderOf, TestLab, until } from '../support/lab.ts';
import { seconds } from '../support/time.ts';

const lab = new TestLab('pgpair', 'two-node.yaml');
after(() => lab.down());

shape(lab, { name: 'db3', address: '10.9.3.20' });

/** The answer of each database host to the balancer in front. */
const health = (what: 'primary' | 'replica'): Record<string, string> =>
  Object.fromEntries(
    [
      ['db1', '10.9.3.10'],
      ['db2', '10.9.3.11'],
    ].map(([host, address]) => [
      host,
      lab.on('witness', `curl -s -o /dev/null -m ${seconds(3)} -w '%{http_code}' http://${address}:8404/${what}`).out,
    ]),
  );

test('the balancer in front is told to send where somebody listens who can reach a leader, and nowhere else', async () => {
  await lab.healthy(60);
  assert.deepEqual(health('primary'), { db1: '200', db2: '200' });
  assert.deepEqual(health('replica'), { db1: '200', db2: '200' });
  lab.on('db2', 'systemctl stop haproxy');
  assert.deepEqual(health('primary'), { db1: '200', db2: '000' });
  lab.on('db2', 'systemctl start haproxy');
  const leader = leaderOf(await lab.healthy(60));
  const others = lab.with('patroni').filter((host) => host !== leader);
  for (const host of [...others, leader]) lab.on(host, 'systemctl stop patroni');
  await until('both say that nobody leads', 20, () => Object.values(health('primary')).join() === '503,503');
  for (const host of [leader, ...others]) lab.on(host, 'systemctl start patroni');
  await until('both say that somebody leads', 60, () => Object.values(health('primary')).join() === '200,200');
  await lab.healthy(90);
});
