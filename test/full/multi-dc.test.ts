/**
 * Proves the shape of three data centers: six database hosts in routed networks, no balancer, the loss of the leader's
 * whole data center. Takes about 25 minutes.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { apt } from '../../src/lab/programs.ts';
import { shape } from '../lab/shape.ts';
import { test } from '../support/group.ts';
import { leaderOf, type StatusDocument, TestLab, until, Writer } from '../support/lab.ts';
import { milliseconds, pause } from '../support/time.ts';

const lab = new TestLab('pgdc', 'multi-dc.yaml');
after(() => lab.down());

shape(lab, { name: 'pg-c3', address: '10.9.13.12', datacenter: 'c' });

const siblings = (host: string) => lab.with('patroni').filter((one) => one.slice(0, -1) === host.slice(0, -1));

test('reads from inside land on different standbys, writes on the leader', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const [write, read] = (await lab.hapg(['connect'])).stdout.split('\n');
  const served = (uri: string, times: number) =>
    lab
      .on(lab.client, `for i in $(seq ${times}); do psql -XAtq '${uri}' -c 'select inet_server_addr()'; done`)
      .out.split('\n');
  const address = lab.on(leader, 'hostname -I').out.trim().split(' ')[0];
  assert.deepEqual([...new Set(served(write!, 5))], [address]);
  const readers = new Set(served(read!, 30));
  assert.ok(readers.size >= 3, [...readers].join());
  assert.ok(!readers.has(address!), 'reads go to standbys only');
});

test('from outside the same members are found by their published ports', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const uri = (await lab.hapg(['connect', '--role', 'primary', '--outside'])).stdout.trim();
  assert.match(uri, /127\.0\.0\.1:5121,127\.0\.0\.1:5122/);
  const authority = join(lab.directory, 'ca.crt');
  writeFileSync(authority, `${lab.on(lab.client, 'cat /etc/hapg/postgres-ca.crt').out}\n`);
  const password = lab.on(lab.client, 'cut -d: -f5 /root/.pgpass | head -n 1').out;
  await apt('postgresql-client');
  const { stdout, stderr } = spawnSync(
    'psql',
    ['-XAtq', uri.replace(/sslrootcert=[^&]+/, `sslrootcert=${authority}`), '-c', 'select inet_server_addr()'],
    { encoding: 'utf8', env: { ...process.env, PGPASSWORD: password } },
  );
  assert.equal(stdout.trim(), lab.on(leader, 'hostname -I').out.trim().split(' ')[0], stderr);
});

/** Members whose preference is not the leader's data center. */
const notFollowing = (status: StatusDocument): string[] => {
  const near = siblings(leaderOf(status));
  return status.members
    .filter(({ name, tags }) => tags.failover_priority !== (near.includes(name) ? 2 : 1))
    .map(({ name }) => name);
};
const follows = () =>
  until('every member prefers the data center of whoever leads', 60, async () => {
    const { status } = await lab.status();
    return notFollowing(status).length === 0;
  });

test('failover prefers the data center of whoever leads, also after that has changed; nothing of it is drift', async () => {
  await follows();
  const status = await lab.healthy(60);
  const near = siblings(leaderOf(status));
  const elsewhere = status.members.find(({ name, role }) => role === 'sync_standby' && !near.includes(name))!;
  assert.ok(elsewhere, 'a synchronous standby is in another data center');
  const { code, stderr } = await lab.hapg(['switchover', '--to', elsewhere.name, '--yes']);
  assert.equal(code, 0, stderr);
  await follows();
  assert.equal(leaderOf(await lab.healthy(60)), elsewhere.name);
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});

test("the leader's whole data center is lost: another one leads, and no acknowledged row is lost", async () => {
  const leader = leaderOf(await lab.healthy(60));
  const lost = siblings(leader).filter((host) => !lab.with('client').includes(host));
  const writer = new Writer(lab);
  writer.start(120);
  await pause(3);
  await Promise.all(lost.map((host) => lab.hapg(['lab', 'kill', host])));
  writer.resumed(90);
  await pause(5);
  const result = writer.stop();
  console.log(`data center of ${leader} lost (${lost.join(' ')}): ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  assert.ok(result.longestGapMs < milliseconds(45_000), `${result.longestGapMs} ms`);
  await Promise.all(lost.map((host) => lab.hapg(['lab', 'start', host])));
  assert.ok(!lost.includes(leaderOf(await lab.healthy(180))));
  await follows();
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});
