/**
 * Proves the shape with a pool before each member's PostgreSQL and no balancer: who comes in, rotation and switchover
 * through pools, a member that is passed over. Takes about 20 minutes.
 */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { shape } from '../lab/shape.ts';
import { test } from '../support/group.ts';
import { leaderOf, type OperationDocument, TestLab, until } from '../support/lab.ts';
import { milliseconds } from '../support/time.ts';

const lab = new TestLab('pgpooltest', 'pgbouncer.yaml');
after(() => lab.down());

shape(lab, { name: 'pg4', address: '10.9.4.20', roles: 'patroni,pgbouncer' });

test('clients come in through the pool only, with TLS, and as nobody whom the database does not know', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const as = (uri: string, password?: string) =>
    lab.on(
      lab.client,
      `${password ? `PGPASSWORD=${password} ` : ''}psql -XAtqw '${uri}' -c 'select current_user' 2>&1`,
    );
  assert.equal(as(lab.uri).out, 'app');
  assert.equal(as(lab.uri.replaceAll(':6432', ':5432')).code, 2, 'PostgreSQL itself is not reached');
  assert.match(as(lab.uri.replace('sslmode=verify-full', 'sslmode=disable')).out, /SSL required/);
  assert.match(as(lab.uri, 'wrong').out, /authentication failed/);
  for (const user of ['postgres', 'replicator', 'pgbouncer', 'nobody'])
    assert.match(as(lab.uri.replace('//app@', `//${user}@`), 'guess').out, /authentication failed|no such user/, user);
  assert.equal(
    lab.on(leader, 'grep -rlE "SCRAM-SHA-256[$]|md5[0-9a-f]{32}" /etc/pgbouncer').out,
    '',
    'no password is in a file',
  );
  const many = 'for i in $(seq 60); do psql -XAtqw "$URI" -c "select pg_backend_pid()" & done | sort -u | wc -l; wait';
  const backends = Number(lab.on(lab.client, `URI='${lab.uri}'; ${many}`).out);
  assert.ok(backends <= 20, `${backends} connections to PostgreSQL for 60 of clients`);
});

test("a user's password is rotated while clients go on through the pool", async () => {
  await lab.healthy(60);
  const { code, stdout, stderr } = await lab.hapg(['secrets', 'rotate', 'app', '--yes', '--probe', '-o', 'json']);
  assert.equal(code, 0, stderr.slice(-2000));
  const result = JSON.parse(stdout) as OperationDocument;
  assert.equal(result.writes!.lost, 0);
  assert.equal(lab.on(lab.client, `psql -XAtqw '${lab.uri}' -c 'select 1'`).out, '1');
});

test('a switchover through pools: clients find the new leader', async () => {
  const { code, stdout, stderr } = await lab.hapg(['switchover', '--yes', '--probe', '-o', 'json']);
  assert.equal(code, 0, stderr.slice(-2000));
  const result = JSON.parse(stdout) as OperationDocument;
  console.log(`switchover through pools: ${JSON.stringify(result.writes)}`);
  assert.equal(result.writes!.lost, 0);
  assert.ok(result.writes!.max_gap_ms < milliseconds(5000), `${result.writes!.max_gap_ms} ms`);
});

test('a member whose PostgreSQL is away is passed over, first in the list though it is', async () => {
  const first = lab.with('patroni')[0]!;
  if (leaderOf(await lab.healthy(60)) === first) assert.equal((await lab.hapg(['switchover', '--yes'])).code, 0);
  await lab.healthy(60);
  for (const away of [
    'systemctl stop patroni',
    'pkill -KILL -u postgres -f bin/patroni; pkill -KILL -u postgres -x postgres',
  ]) {
    lab.on(first, away);
    await until('its pool is closed', 10, () => lab.on(first, 'pgrep -u postgres -x pgbouncer').code !== 0);
    for (let n = 0; n < 5; n++) assert.equal(lab.on(lab.client, `psql -XAtqw '${lab.uri}' -c 'select 1'`).out, '1');
    lab.on(first, 'systemctl start patroni');
    await lab.healthy(90);
  }
});
