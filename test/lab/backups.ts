import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, type TestLab, until } from '../support/lab.ts';
import { sql } from './restore.ts';

interface Drill {
  ok: boolean;
  host: string;
  backup: string;
  newest_transaction_age_s: number | null;
  counts: { table: string; rows: number }[];
  error: string | null;
}

/** Backups that are proven: drills, a clone beside the running cluster, and an archive that was unavailable. */
export function provingBackups(lab: TestLab): void {
  test('a restore drill proves the newest backup, counts rows, removes everything, and status remembers it', async () => {
    await lab.healthy(60);
    sql(lab, 'drop table if exists counted; create table counted as select generate_series(1, 1234) n');
    assert.equal((await lab.hapg(['backup', '--type', 'incr', '--yes'])).code, 0, 'its last segment is archived');
    const { code, stdout, stderr } = await lab.hapg(['drill', 'restore', '--count', 'app.counted', '-o', 'json']);
    assert.equal(code, 0, `${stdout}${stderr.slice(-2000)}`);
    const drill = JSON.parse(stdout) as Drill;
    console.log(`drill: ${stdout.trim()}`);
    assert.deepEqual([drill.ok, drill.host], [true, 'backup']);
    assert.deepEqual(drill.counts, [{ database: 'app', table: 'counted', rows: 1234 }]);
    assert.equal(lab.on('backup', 'ls -A /var/lib/postgresql/hapg-drill /run/hapg-drill 2>/dev/null').out, '');
    assert.equal(lab.on('backup', 'pgrep -u postgres -fa "postgres -D"').out, '');
    const { status } = await lab.status();
    assert.equal((status.backup as unknown as { drill: { ok: boolean } }).drill.ok, true);
  });

  test('a drill that finds damage says so, and status is unhealthy until a good one', async () => {
    const refused = await lab.hapg(['drill', 'restore', '--count', 'app.nowhere', '-o', 'json']);
    assert.equal(refused.code, 1);
    assert.match((JSON.parse(refused.stdout) as Drill).error!, /app\.nowhere cannot be counted/);
    assert.ok((await lab.status()).status.problems.some(({ code }) => code === 'drill'));
    assert.equal(lab.on('backup', 'ls -A /var/lib/postgresql/hapg-drill 2>/dev/null').out, '');
    const other = await lab.hapg(['drill', 'restore', '--on', 'db3']);
    assert.equal(other.code, 0, `on a database host, beside its member: ${other.stderr}${other.stdout}`);
    await lab.healthy(30);
  });

  test('a clone: the backup becomes another cluster on empty hosts, and the source goes on as it was', async () => {
    const before = await lab.healthy(60);
    const plan = async () => (await lab.hapg(['plan', '--detailed-exitcode'])).code;
    const copy = join(lab.directory, 'copy.yaml');
    writeFileSync(
      copy,
      `cluster: ${lab.cluster}-copy
ssh: {user: root, key: ./.hapg/${lab.cluster}-copy/lab_ed25519}
postgres:
  version: "17"
  parameters: {max_connections: 40, shared_buffers: 64MB}
  databases: [{name: app, owner: app}]
  users: [{name: app}]
rto: fast
clients: [10.9.1.0/24]
hosts:
  one: {address: 10.9.1.60, ssh: {host: 127.0.0.1, port: 3160}, roles: [etcd, patroni]}
  store: {address: 10.9.1.61, ssh: {host: 127.0.0.1, port: 3161}, roles: [pgbackrest, client]}
`,
    );
    try {
      assert.equal((await lab.hapg(['lab', 'up', '-i', copy])).code, 0);
      sql(lab, 'insert into counted values (5000)');
      const own = await lab.hapg(['restore', '--into', lab.inventory, '--latest', '--yes']);
      assert.equal(own.code, 5, own.stderr);
      assert.match(own.stderr, /the clone needs an inventory of its own/);
      assert.equal((await lab.hapg(['backup', '--type', 'incr', '--yes'])).code, 0);
      const { code, stdout, stderr } = await lab.hapg(['restore', '--into', copy, '--latest', '--yes', '-o', 'json']);
      assert.equal(code, 0, stderr.slice(-3000));
      console.log(`clone: ${(JSON.parse(stdout) as OperationDocument).duration_ms} ms`);
      const status = await lab.hapg(['status', '-i', copy, '-o', 'json']);
      assert.equal(status.code, 0, status.stdout);
      const on = (host: string, script: string) =>
        lab.docker('exec', `${lab.cluster}-copy-${host}`, 'sh', '-c', script);
      assert.equal(
        on('one', `runuser -u postgres -- psql -XAtqd app -c 'select count(*), max(n) from counted'`),
        '1235|5000',
      );
      const uri = (await lab.hapg(['connect', '-i', copy])).stdout.split('\n')[0]!;
      assert.equal(on('store', `psql -XAtq '${uri}' -c 'insert into counted values (6000)' -c 'select 1'`), '1');
      assert.equal((await lab.hapg(['plan', '-i', copy, '--detailed-exitcode'])).code, 0);
      assert.equal(on('one', 'test -e /etc/pgbackrest/source || echo gone'), 'gone', "the source's keys");
      // The source is unchanged: same leader, same timeline, no file changed, no firewall rule left, nothing of the
      // clone in it.
      const after = await lab.healthy(10);
      assert.deepEqual([leaderOf(after), after.timeline], [leaderOf(before), before.timeline]);
      assert.doesNotMatch(lab.on('backup', 'iptables -S INPUT').out, /clone/);
      assert.equal(sql(lab, 'select count(*) from counted where n = 6000'), '0');
      assert.deepEqual(leftovers(lab), {});
      assert.equal(await plan(), 0);
      const again = await lab.hapg(['restore', '--into', copy, '--latest', '--yes']);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /is not empty; a clone is made on empty hosts only/);
    } finally {
      await lab.hapg(['lab', 'down', '-i', copy]);
    }
  });

  test('the archive is away for a while: commits go on, status says so, it catches up, and nothing is missing', async () => {
    const leader = leaderOf(await lab.healthy(60));
    lab.on('backup', 'systemctl stop pgbackrest');
    sql(lab, 'create table if not exists gap (n int)');
    for (let n = 0; n < 5; n++) {
      sql(lab, `insert into gap values (${n})`);
      lab.on(leader, "runuser -u postgres -- psql -XAtqc 'select pg_switch_wal()'");
    }
    await until('status tells it', 120, async () =>
      (await lab.status()).status.problems.some(({ code }) => code === 'archive' || code === 'archive_lag'),
    );
    assert.equal(sql(lab, 'select count(*) from gap'), '5', 'commits did not wait');
    lab.on('backup', 'systemctl start pgbackrest');
    await lab.healthy(180);
    const drill = await lab.hapg(['drill', 'restore', '--count', 'app.gap', '-o', 'json']);
    assert.equal(drill.code, 0, drill.stdout);
    assert.equal((JSON.parse(drill.stdout) as Drill).counts[0]!.rows, 5, 'replayed across the gap');
  });
}
