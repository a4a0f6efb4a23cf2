/**
 * Proves what comes after machines have died: one is left out for good, comes back uninvited, or is set up anew under
 * its name, in every role. Takes about 25 minutes.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after } from 'node:test';
import { judged } from '../lab/judges.ts';
import { before, test } from '../support/group.ts';
import { leaderOf, leftovers, TestLab, until, Writer } from '../support/lab.ts';
import { milliseconds, pause } from '../support/time.ts';

const lab = new TestLab('pglost');
before(async () => {
  // Two of three vote until the next machine joins.
  lab.write((text) => text.replace(/^rto:/m, 'accept_no_quorum: true\nrto:'));
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
  await lab.findUri();
});
after(() => lab.down());

const ETCDCTL =
  "env ETCDCTL_API=3 etcdctl --endpoints=https://$(hostname -I | cut -d' ' -f1):2379 --cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/server.crt --key=/etc/etcd/pki/server.key";
const empty = async () => {
  const { code, stdout, stderr } = await lab.hapg(['plan', '--detailed-exitcode']);
  assert.equal(code, 0, stdout + stderr);
};

/** A machine of the same name and address with nothing on it. */
async function bare(host: string): Promise<void> {
  lab.docker('rm', '-f', '-v', `${lab.cluster}-${host}`);
  const { code, stderr } = await lab.hapg(['lab', 'up']);
  assert.equal(code, 0, stderr);
  assert.notEqual(lab.on(host, 'ls /etc/hapg').code, 0, 'nothing is left of the former one');
}

/** Does work while clients write: nothing acknowledged is lost, and no client waits long. */
async function unnoticed(what: string, longestGapMs: number, work: () => Promise<void>): Promise<void> {
  const writer = new Writer(lab);
  writer.start(600);
  try {
    await work();
  } finally {
    const result = writer.stop();
    console.log(`${what}: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    assert.ok(result.longestGapMs < milliseconds(longestGapMs), `${result.longestGapMs} ms`);
  }
}

test('a member that was taken out of the inventory by hand is not cut off: refused by name', async () => {
  const text = readFileSync(lab.inventory, 'utf8');
  const leader = leaderOf(await lab.healthy(60));
  writeFileSync(lab.inventory, text.replace(new RegExp(`^ {2}${leader}:.*\\n`, 'm'), ''));
  try {
    const { code, stderr } = await lab.hapg(['apply', '--yes']);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      new RegExp(`${leader}: is a PostgreSQL member .* Put it back, then "hapg remove-node ${leader}"`),
    );
    assert.ok((await lab.status()).status.problems.some((one) => one.code === 'identity' && one.host === leader));
  } finally {
    writeFileSync(lab.inventory, text);
  }
  await lab.healthy(30);
  await empty();
});

test("the leader's host is lost for good: the others forget it on demand only, and go on", async () => {
  const gone = leaderOf(await lab.healthy(60));
  const other = lab.with('patroni').find((name) => name !== gone)!;
  const answers = await lab.hapg(['remove-node', gone, '--gone', '--yes']);
  assert.equal(answers.code, 1, answers.stderr);
  assert.match(answers.stderr, new RegExp(`${gone} answers: without --gone`));
  await unnoticed('a lost host is forgotten', 30_000, async () => {
    assert.equal((await lab.hapg(['lab', 'kill', gone])).code, 0);
    const asked = await lab.hapg(['remove-node', gone, '--yes']);
    assert.equal(asked.code, 4, asked.stderr);
    assert.match(asked.stderr, /lost for good is taken out with "hapg remove-node NAME\.\.\. --gone"/);
    const { code, stdout, stderr } = await lab.hapg(['remove-node', gone, '--gone', '--yes']);
    assert.equal(code, 0, stdout + stderr);
  });
  assert.ok(!lab.hosts.includes(gone));
  const status = await lab.healthy(30);
  assert.equal(status.members.length, 2);
  assert.equal(lab.on(other, `${ETCDCTL} member list | wc -l`).out, '2');
  assert.equal(
    lab.on(
      other,
      `runuser -u postgres -- psql -XAtc "select count(*) from pg_replication_slots where slot_name = '${gone}'"`,
    ).out,
    '0',
  );
  await empty();
  assert.deepEqual(leftovers(lab), {});
});

test('the lost machine is switched on again: nobody lets it in, it leads nothing, and the cluster does not mind', async () => {
  const gone = ['db1', 'db2', 'db3'].find((name) => !lab.hosts.includes(name))!;
  await unnoticed('a forgotten host comes back', 3_000, async () => {
    lab.docker('start', `${lab.cluster}-${gone}`);
    await until('it has booted', 60, () => lab.on(gone, 'systemctl is-active ssh').out === 'active');
    await pause(40);
  });
  assert.match(
    lab.on(gone, 'runuser -u postgres -- psql -XAtc "select pg_is_in_recovery()"').out,
    /^t$|No such file or directory|the database system is/,
    'it takes no writes',
  );
  const status = await lab.healthy(10);
  assert.deepEqual(status.members.map(({ name }) => name).sort(), lab.with('patroni').sort());
  lab.docker('rm', '-f', '-v', `${lab.cluster}-${gone}`);
});

test('another machine takes its place, with etcd', async () => {
  const up = await lab.hapg(['lab', 'add', 'db4', '--address', '10.9.1.17', '-o', 'json']);
  assert.equal(up.code, 0, up.stderr);
  const { ssh } = JSON.parse(up.stdout) as { ssh: string };
  const { code, stdout, stderr } = await lab.hapg([
    ...['add-replica', 'db4', '--address', '10.9.1.17', '--ssh', ssh],
    ...['--roles', 'etcd,patroni', '--yes'],
  ]);
  assert.equal(code, 0, stdout + stderr);
  assert.equal((await lab.healthy(30)).dcs.members.length, 3);
  await empty();
});

test('a replica is set up anew under its name: one apply makes it a member again, in etcd too', async () => {
  const status = await lab.healthy(60);
  const host = status.members.find(({ role }) => role === 'replica')!.name;
  await unnoticed('a replica set up anew', 3_000, async () => {
    await bare(host);
    const plan = await lab.hapg(['plan', '-D']);
    assert.match(plan.stdout, new RegExp(`the member that its host had before is removed; ${host} joins as a learner`));
    const { code, stdout, stderr } = await lab.hapg(['apply', '--yes']);
    assert.equal(code, 0, stdout + stderr);
  });
  const now = await lab.healthy(60);
  assert.equal(now.members.length, 3);
  assert.equal(lab.on(host, `${ETCDCTL} member list | grep -c ', started, .*, false$'`).out, '3', 'three voters');
  await empty();
  assert.deepEqual(leftovers(lab), {});
});

test('the backup host is set up anew: a new repository with a first backup, and the archive goes on', async () => {
  await unnoticed('the backup host set up anew', 3_000, async () => {
    await bare('backup');
    const { code, stdout, stderr } = await lab.hapg(['apply', '--yes']);
    assert.equal(code, 0, stdout + stderr);
  });
  const { backup } = await lab.healthy(120);
  assert.ok(backup.archive_ok && backup.last, JSON.stringify(backup));
  await empty();
});

test('the balancer that holds the VIP is set up anew', async () => {
  const [holder] = (await lab.healthy(60)).vip.holders;
  await unnoticed('a balancer set up anew', 10_000, async () => {
    await bare(holder!);
    const { code, stdout, stderr } = await lab.hapg(['apply', '--yes']);
    assert.equal(code, 0, stdout + stderr);
  });
  await lab.healthy(60);
  await empty();
});

test('a replica and a balancer are lost together, and forgotten together', async () => {
  const status = await lab.healthy(60);
  const replica = status.members.find(({ role }) => role === 'replica')!.name;
  await unnoticed('two hosts forgotten', 30_000, async () => {
    for (const host of [replica, 'proxy2']) assert.equal((await lab.hapg(['lab', 'kill', host])).code, 0);
    const one = await lab.hapg(['remove-node', replica, '--gone', '--yes']);
    assert.equal(one.code, 4, one.stderr);
    const { code, stdout, stderr } = await lab.hapg(['remove-node', replica, 'proxy2', '--gone', '--yes']);
    assert.equal(code, 0, stdout + stderr);
  });
  const now = await lab.healthy(30);
  assert.equal(now.members.length, 2);
  assert.deepEqual(now.vip.holders, ['proxy1']);
  await empty();
});

judged(lab);
