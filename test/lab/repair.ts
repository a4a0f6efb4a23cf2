import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leaderOf, leftovers, type TestLab, until, Writer } from '../support/lab.ts';

/**
 * etcd is broken in every way for which people wipe clusters (`deep`; else in most): it is repaired, and no row is
 * lost.
 */
export function repairing(lab: TestLab, deep = false): void {
  const data = `/var/lib/etcd/${lab.cluster}`;
  const systemIdentifier = (host: string) =>
    lab.on(
      host,
      `/usr/lib/postgresql/17/bin/pg_controldata -D /var/lib/postgresql/17/${lab.cluster} | grep 'system identifier'`,
    ).out;

  /** Breaks something, reads repair's explanation, lets it repair, and checks that nothing else has changed. */
  async function mended(breakIt: () => void | Promise<void>, says: RegExp): Promise<void> {
    const before = await lab.healthy(90);
    const identifier = systemIdentifier('db1');
    const writer = new Writer(lab);
    writer.start(240);
    await breakIt();
    await until('the damage shows', 60, async () => (await lab.status()).code === 1);
    const { code, stdout, stderr } = await lab.hapg(['repair', '--yes']);
    assert.equal(code, 0, `${stdout.slice(-2000)}${stderr.slice(-3000)}`);
    assert.match(stdout, says);
    const after = await lab.healthy(60);
    const result = writer.stop();
    console.log(`${says}: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    assert.deepEqual(
      after.dcs.members
        .filter((member) => member.healthy)
        .map((member) => member.name)
        .sort(),
      ['db1', 'db2', 'db3'],
    );
    assert.ok(after.timeline >= before.timeline);
    for (const host of ['db1', 'db2', 'db3']) assert.equal(systemIdentifier(host), identifier);
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  }

  test('repair has nothing to do on a healthy cluster', async () => {
    await lab.healthy(90);
    const { code, stdout } = await lab.hapg(['repair', '--yes']);
    assert.equal(code, 0);
    assert.match(stdout, /Nothing to do/);
  });

  test('an etcd member that was stopped is started', () =>
    mended(() => void lab.on('db3', 'systemctl stop etcd'), /etcd on db3 does not run; its data is there/));

  test('an etcd member that lost its data is replaced: snapshot, learner, voter', async () => {
    await mended(
      () =>
        void lab.on(
          'db2',
          `systemctl kill -s KILL etcd; systemctl stop etcd; rm -rf ${data}/member; systemctl start --no-block etcd`,
        ),
      /etcd on db2 (has lost its data|runs and is not healthy)/,
    );
    assert.match(lab.on('db2', 'ls /var/lib/hapg/etcd').out, /before-join-\d+\.db/);
    assert.match(lab.on('db2', 'ls -d /var/lib/etcd/*/*').out, /aside-broken-/, 'what was left is kept');
  });

  const corrupt = () =>
    mended(
      () =>
        void lab.on(
          'db3',
          `systemctl kill -s KILL etcd; systemctl stop etcd; head -c 65536 /dev/urandom > ${data}/member/snap/db; rm -f ${data}/member/wal/*; systemctl start --no-block etcd`,
        ),
      /etcd on db3/,
    );
  if (deep) test('an etcd member with corrupt data is replaced', corrupt);

  test('a quorum that is lost for good comes back from the newest copy; the leader goes on leading', async () => {
    const leader = leaderOf(await lab.healthy(90));
    const [first, second] = ['db1', 'db2', 'db3'].filter((name) => name !== leader);
    await mended(
      () => {
        for (const host of [first!, second!])
          lab.on(host, `systemctl kill -s KILL etcd; systemctl stop etcd; rm -rf ${data}/member`);
      },
      new RegExp(`lost its quorum for good: ${first}, ${second} lost the data, ${leader} has the newest copy`),
    );
  });

  if (!deep) return;

  test('a DCS that was emptied while nobody ran gets its key back; the last leader leads, no database is made anew', async () => {
    const leader = leaderOf(await lab.healthy(90));
    const others = ['db1', 'db2', 'db3'].filter((name) => name !== leader);
    await mended(
      () => {
        for (const host of [...others, leader]) lab.on(host, 'systemctl stop patroni');
        lab.on(
          'db1',
          `ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/server.crt --key=/etc/etcd/pki/server.key del --prefix /service/${lab.cluster}/`,
        );
      },
      new RegExp(`etcd knows of no cluster[^]*${leader}, which led last, leads first`),
    );
    assert.equal(leaderOf(await lab.healthy(5)), leader);
  });
}
