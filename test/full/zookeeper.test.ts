/**
 * Proves the shape with ZooKeeper instead of etcd and the archive on a mount: members that are replaced, a quorum that
 * is lost for good, a restore. Takes about 25 minutes.
 */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { shape } from '../lab/shape.ts';
import { test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, TestLab, until, Writer } from '../support/lab.ts';
import { milliseconds, pause, seconds } from '../support/time.ts';

const lab = new TestLab('pgzootest', 'zookeeper.yaml');
after(() => lab.down());

shape(lab, { name: 'db3', address: '10.9.5.13', roles: 'zookeeper,patroni' });

test('nobody talks to ZooKeeper without a certificate of the cluster', async () => {
  await lab.healthy(60);
  const stranger = lab.on(
    'db1',
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/s.key -out /tmp/s.crt -subj /CN=hapg-admin -days 1 2>/dev/null; for with in "" "-cert /tmp/s.crt -key /tmp/s.key"; do { echo srvr; sleep 1; } | timeout ${seconds(5)} openssl s_client -quiet -connect 10.9.5.10:2281 $with 2>&1; done; rm -f /tmp/s.key /tmp/s.crt`,
  ).out;
  assert.doesNotMatch(stranger, /Zookeeper version/, stranger);
  assert.match(stranger, /alert|errno|reset/i);
  const words = lab.on(
    'db1',
    `for w in ruok stat dump envi mntr; do printf $w | timeout ${seconds(3)} bash -c 'exec 3<>/dev/tcp/127.0.0.1/2181; cat >&3; cat <&3' 2>&1; done`,
  ).out;
  assert.equal(words.match(/is not executed because it is not in the whitelist/g)?.length, 5, words);
  assert.equal(
    lab.on('client', `timeout ${seconds(3)} bash -c '</dev/tcp/10.9.5.10/2281'`).code === 0,
    false,
    'the firewall',
  );
});

test('a member that lost its data is replaced, one that was stopped is started; writes go on', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const writer = new Writer(lab);
  writer.start(200);
  const [broken, stopped] = lab.with('zookeeper').filter((host) => host !== leader) as [string, string];
  lab.on(broken, 'systemctl stop zookeeper; rm -rf /var/lib/zookeeper/*');
  const repaired = await lab.hapg(['repair', '--yes']);
  assert.equal(repaired.code, 0, repaired.stderr.slice(-2000));
  assert.match(repaired.stdout + repaired.stderr, new RegExp(`ZooKeeper on ${broken} has lost its data`));
  await lab.healthy(60);
  lab.on(stopped, 'systemctl stop zookeeper');
  assert.equal((await lab.hapg(['repair', '--yes'])).code, 0);
  await lab.healthy(60);
  const result = writer.stop();
  console.log(`ZooKeeper members replaced and started: ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  assert.ok(result.longestGapMs < milliseconds(5000), `${result.longestGapMs} ms`);
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});

test('a host that only votes leaves', async () => {
  await lab.healthy(60);
  const { code, stdout, stderr } = await lab.hapg(['remove-node', 'zk3', '--yes', '--probe', '-o', 'json']);
  assert.equal(code, 0, stderr.slice(-2000));
  assert.equal((JSON.parse(stdout) as OperationDocument).writes!.lost, 0);
  const { dcs } = await lab.healthy(60);
  assert.deepEqual(dcs.members.map((one) => one.name).sort(), ['db1', 'db2', 'db3']);
  assert.deepEqual(leftovers(lab), {});
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});

test('a quorum that is lost for good comes back from the copy that is left; the leader goes on leading', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const writer = new Writer(lab);
  writer.start(240);
  for (const host of lab.with('zookeeper').filter((one) => one !== leader && one !== 'zk3'))
    lab.on(host, 'systemctl stop zookeeper; rm -rf /var/lib/zookeeper/*');
  await until('the damage shows', 60, async () => (await lab.status()).code === 1);
  const refused = await lab.hapg(['apply', '--yes']);
  assert.equal(refused.code, 1, 'two without data must not make a quorum of their own');
  assert.match(refused.stderr, /ZooKeeper has lost its quorum/);
  const { code, stdout, stderr } = await lab.hapg(['repair', '--yes']);
  assert.equal(code, 0, stderr.slice(-3000));
  assert.match(stdout + stderr, /ZooKeeper has lost its quorum for good/);
  const status = await lab.healthy(60);
  const result = writer.stop();
  console.log(`ZooKeeper's quorum lost and recovered: ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  assert.equal(leaderOf(status), leader);
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});

test('back to a moment: the keys of the old timeline go, the cluster leads on from there', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const sql = (text: string) => lab.on(leader, `runuser -u postgres -- psql -XAtq app -c "${text}"`).out;
  sql('create table kept (n int); insert into kept values (1)');
  // A statement of its own: several statements in one call are one transaction, whose commit would come after the
  // restore point.
  sql("select pg_create_restore_point('before')");
  sql('insert into kept values (2); select pg_switch_wal()');
  await pause(3);
  const { code, stderr } = await lab.hapg(['restore', '--to-name', 'before', '--yes', '--confirm', lab.cluster]);
  assert.equal(code, 0, stderr.slice(-3000));
  const now = leaderOf(await lab.healthy(120));
  assert.equal(
    lab.on(now, 'runuser -u postgres -- psql -XAtq app -c "select string_agg(n::text, chr(44)) from kept"').out,
    '1',
  );
});

test('a lab that begins anew finds no backups of one whose hosts were removed by hand', async () => {
  assert.match(lab.on('db1', 'ls /srv/pgbackrest').out, /archive/);
  for (const name of lab.docker('ps', '-aq', '--filter', `label=hapg.cluster=${lab.cluster}`).split('\n'))
    lab.docker('rm', '-f', name);
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  assert.equal(lab.on('db1', 'ls -A /srv/pgbackrest').out, '');
});
