import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, type TestLab } from '../support/lab.ts';
import { milliseconds } from '../support/time.ts';

/** A fourth member joins under load, is rebuilt, and leaves again; `deep`: and once more. */
export function growing(lab: TestLab, deep = false): void {
  let args: string[] = [];

  test('add-replica: a fresh host streams and is balanced to, nobody waits, the inventory keeps its comments', async () => {
    await lab.healthy(60);
    // A fresh backup, as there is every night: from an older one a new member would replay everything since.
    assert.equal((await lab.hapg(['backup', '--type', 'full', '--yes'])).code, 0);
    const before = readFileSync(lab.inventory, 'utf8');
    const added = await lab.hapg(['lab', 'add', 'db4', '--address', '10.9.1.17', '-o', 'json']);
    const { ssh } = JSON.parse(added.stdout) as { ssh: string };
    args = ['add-replica', 'db4', '--address', '10.9.1.17', '--ssh', ssh, '--yes'];
    const refused = await lab.hapg(['add-replica', 'db4', '--address', '10.9.1.10', '--ssh', ssh, '--yes']);
    assert.equal(refused.code, 5, 'an address in use');
    assert.match(refused.stderr, /10\.9\.1\.10/);
    const { code, stdout, stderr } = await lab.hapg([...args, '--probe', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-3000));
    const result = JSON.parse(stdout) as OperationDocument;
    console.log(`add-replica: ${result.duration_ms} ms ${JSON.stringify(result.writes)}`);
    assert.equal(result.writes!.lost, 0);
    // 0.5 to 1.3 s were seen: the hosts' packages and the leader's WAL go to one disk here.
    assert.ok(result.writes!.max_gap_ms < milliseconds(5000), `${result.writes!.max_gap_ms} ms`);
    const status = await lab.healthy(5);
    assert.ok(status.members.some((member) => member.name === 'db4' && member.state === 'streaming'));
    assert.equal(status.dcs.members.filter((member) => member.healthy).length, 3, 'a database host without etcd');
    for (const balancer of status.balancers) assert.ok(balancer.replica.includes('db4'), balancer.host);
    const after = readFileSync(lab.inventory, 'utf8');
    assert.ok(after.startsWith(before), 'every character of before is still there');
    assert.match(
      lab.on('db4', 'cat /var/log/pgbackrest/*-restore.log').out,
      /restore command end: completed successfully/,
    );
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('add-replica again has nothing to do; the same name with another address is refused', async () => {
    assert.equal((await lab.hapg(args)).code, 0);
    const other = await lab.hapg(['add-replica', 'db4', '--address', '10.9.1.18', '--yes']);
    assert.equal(other.code, 5);
    assert.match(other.stderr, /the name db4 is in use/);
  });

  test('reinit rebuilds a replica and keeps what was there; the leader is refused', async () => {
    const leader = leaderOf(await lab.healthy(60));
    const refused = await lab.hapg(['reinit', leader, '--yes']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`${leader} leads; switch over first`));
    const { code, stdout, stderr } = await lab.hapg(['reinit', 'db4', '--yes']);
    assert.equal(code, 0, `${stdout.slice(-1000)}${stderr.slice(-2000)}`);
    await lab.healthy(10);
    assert.match(lab.on('db4', 'ls -d /var/lib/postgresql/17/*.replaced-*/PG_VERSION').out, /PG_VERSION/);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  const restarting = async () => {
    const started = () =>
      ['db1', 'db2', 'db3', 'db4'].map(
        (host) => lab.on(host, `head -n 3 /var/lib/postgresql/17/${lab.cluster}/postmaster.pid | tail -n 1`).out,
      );
    const before = started();
    const { code, stdout, stderr } = await lab.hapg(['restart', '--yes', '--probe', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-2000));
    const result = JSON.parse(stdout) as OperationDocument;
    console.log(`restart: ${result.duration_ms} ms ${JSON.stringify(result.writes)}`);
    assert.equal(result.writes!.lost, 0);
    assert.ok(result.writes!.max_gap_ms < milliseconds(4000), `${result.writes!.max_gap_ms} ms`);
    for (const [index, time] of started().entries()) assert.notEqual(time, before[index]);
  };
  if (deep) test('restart rolls PostgreSQL over all members; the leader hands over first', restarting);

  test('remove-node: the leader is refused, a replica leaves with its etcd member, and no slot is kept for it', async () => {
    const status = await lab.healthy(60);
    const refused = await lab.hapg(['remove-node', leaderOf(status), '--yes']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /leads; switch over first/);
    if (leaderOf(status) !== 'db4')
      assert.equal((await lab.hapg(['switchover', '--yes'])).code, 0, 'so that db4 may be the leader or not');
    const { code, stdout, stderr } = await lab.hapg([
      'remove-node',
      'db4',
      '--switchover',
      '--yes',
      '--probe',
      '-o',
      'json',
    ]);
    assert.equal(code, 0, stderr.slice(-3000));
    const result = JSON.parse(stdout) as OperationDocument;
    console.log(`remove-node: ${result.duration_ms} ms ${JSON.stringify(result.writes)}`);
    assert.equal(result.writes!.lost, 0);
    const after = await lab.healthy(10);
    assert.deepEqual(
      after.members.map((member) => member.name),
      ['db1', 'db2', 'db3'],
    );
    assert.deepEqual(after.dcs.members.map((member) => member.name).sort(), ['db1', 'db2', 'db3']);
    assert.doesNotMatch(readFileSync(lab.inventory, 'utf8'), /db4/);
    for (const host of ['db1', 'db2', 'db3'])
      assert.doesNotMatch(
        lab.on(host, "runuser -u postgres -- psql -XAtqc 'select slot_name from pg_replication_slots'").out,
        /db4/,
        host,
      );
    assert.match(lab.on('db4', `ls /var/lib/postgresql/17/${lab.cluster}/PG_VERSION`).out, /PG_VERSION/, 'data stays');
    assert.equal(lab.on('db4', 'systemctl is-active patroni etcd').out, 'inactive\ninactive');
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  if (!deep) return;

  test('a host that left may join again, with etcd too: its old data is followed up, etcd takes it as a learner first', async () => {
    const { code, stderr } = await lab.hapg([...args, '--roles', 'etcd,patroni']);
    assert.equal(code, 0, stderr.slice(-3000));
    assert.equal((await lab.healthy(10)).dcs.members.filter((member) => member.healthy).length, 4);
    assert.match(lab.on('db4', 'ls /var/lib/hapg/etcd').out, /before-join-\d+\.db/, 'a snapshot was kept first');
    for (const turn of [1, 2]) {
      const away = await lab.hapg(['remove-node', 'db4', '--switchover', '--yes']);
      assert.equal(away.code, 0, away.stderr.slice(-2000));
      assert.equal((await lab.healthy(10)).dcs.members.length, 3);
      if (turn === 1)
        assert.equal((await lab.hapg([...args, '--roles', 'etcd,patroni'])).code, 0, 'its old member is no obstacle');
    }
  });

  /** One more new host; how to reach it. */
  const another = async (name: string, address: string): Promise<string> => {
    const { stdout } = await lab.hapg(['lab', 'add', name, '--address', address, '-o', 'json']);
    return (JSON.parse(stdout) as { ssh: string }).ssh;
  };

  test('add-replica is killed in the middle, again and again, and then converges', async () => {
    lab.docker('rm', '-f', `${lab.cluster}-db4`);
    const ssh = await another('db5', '10.9.1.18');
    const again = ['add-replica', 'db5', '--address', '10.9.1.18', '--ssh', ssh, '--roles', 'etcd,patroni', '--yes'];
    for (const seconds of [3, 8, 6, 4, 5, 4]) {
      const run = lab.start(again);
      const timer = setTimeout(() => run.kill('SIGKILL'), milliseconds(seconds * 1000));
      const { code, stderr } = await run.done;
      clearTimeout(timer);
      console.log(`killed after ${seconds} s at: ${stderr.trim().split('\n').at(-1)}`);
      if (code === 0) break;
    }
    const { code, stderr } = await lab.hapg(again);
    assert.equal(code, 0, stderr.slice(-3000));
    const status = await lab.healthy(10);
    assert.equal(status.dcs.members.filter((member) => member.healthy).length, 4);
    assert.ok(status.members.some((member) => member.name === 'db5' && member.state === 'streaming'));
    assert.equal((await lab.hapg(['remove-node', 'db5', '--switchover', '--yes'])).code, 0);
    lab.docker('rm', '-f', `${lab.cluster}-db5`);
    await lab.healthy(10);
  });

  test('a third balancer and a witness with etcd alone join and leave', async () => {
    for (const [name, address, roles] of [
      ['proxy3', '10.9.1.19', 'haproxy,keepalived'],
      ['witness', '10.9.1.20', 'etcd'],
    ] as const) {
      const ssh = await another(name, address);
      const added = await lab.hapg([
        'add-replica',
        name,
        '--address',
        address,
        '--ssh',
        ssh,
        '--roles',
        roles,
        '--yes',
      ]);
      assert.equal(added.code, 0, added.stderr.slice(-3000));
      const status = await lab.healthy(10);
      if (roles === 'etcd') assert.ok(status.dcs.members.some((member) => member.name === name && member.healthy));
      else assert.deepEqual(status.balancers.find((one) => one.host === name)!.primary, [leaderOf(status)]);
      assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
      const removed = await lab.hapg(['remove-node', name, '--yes']);
      assert.equal(removed.code, 0, removed.stderr.slice(-3000));
      lab.docker('rm', '-f', `${lab.cluster}-${name}`);
      await lab.healthy(10);
    }
  });
}
