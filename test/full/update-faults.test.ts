/**
 * Proves that a rolling update with a fault in its middle stops before harm, says where and why, and is finished by
 * the next run; also when its controller is killed ten times. Takes about 30 minutes.
 */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { before, test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, TestLab, until } from '../support/lab.ts';
import { seeded } from '../support/random.ts';
import { milliseconds, seconds } from '../support/time.ts';
import { offerUpdates, versionOn } from '../support/updates.ts';

const lab = new TestLab('pgfault');
before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
});
after(() => lab.down());

const update = (...args: string[]) => lab.hapg(['update', '--yes', '-o', 'json', ...args]);
const failure = (stdout: string) => (JSON.parse(stdout) as OperationDocument).failed?.[0];

test('the installation fails on the second host: the roll-out stops there, the host serves again, the next run finishes', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const [first, second] = ['db1', 'db2', 'db3'].filter((name) => name !== leader);
  offerUpdates(lab, 'hapg1', ['iproute2', 'patroni'], second);
  const broken = await update('--limit', 'patroni');
  assert.equal(broken.code, 2, broken.stderr);
  assert.equal(failure(broken.stdout)!.host, second);
  assert.match(failure(broken.stdout)!.message, /iproute2/);
  const status = await lab.healthy(60);
  assert.equal(leaderOf(status), leader, 'the leader was not touched');
  assert.match(versionOn(lab, first!, 'patroni'), /hapg1$/);
  assert.doesNotMatch(versionOn(lab, leader, 'patroni'), /hapg1$/);
  assert.deepEqual(leftovers(lab), {});
  offerUpdates(lab, 'hapg2', ['iproute2', 'patroni']);
  const again = await update('--limit', 'patroni');
  assert.equal(again.code, 0, again.stderr.slice(-2000));
  for (const host of ['db1', 'db2', 'db3']) assert.match(versionOn(lab, host, 'iproute2'), /hapg2$/);
  assert.deepEqual(leftovers(lab), {});
});

test('a host does not come back: one host is lost at most, it is named, and the next run goes on with what is left', async () => {
  const leader = leaderOf(await lab.healthy(60));
  const first = ['db1', 'db2', 'db3'].filter((name) => name !== leader)[0]!;
  lab.docker('update', '--restart', 'no', `${lab.cluster}-${first}`);
  const lost = await update('--limit', 'patroni', '--reboot', 'always', '--wait-host', String(seconds(20)));
  assert.equal(lost.code, 2, lost.stderr.slice(-2000));
  assert.deepEqual([failure(lost.stdout)!.host, failure(lost.stdout)!.step], [first, 'reboot']);
  const { status } = await lab.status();
  assert.equal(leaderOf(status), leader);
  assert.equal(status.members.filter((member) => member.state === 'streaming').length, 1);
  lab.docker('update', '--restart', 'always', `${lab.cluster}-${first}`);
  assert.equal((await lab.hapg(['lab', 'start', first])).code, 0);
  await until('the host answers', 60, () => lab.on(first, 'systemctl is-active ssh').code === 0);
  // The next run undoes what the killed run has left on the host, and then continues.
  const again = await update('--limit', 'patroni', '--reboot', 'always', '--wait-gate', String(seconds(180)));
  assert.equal(again.code, 0, again.stderr.slice(-2000));
  await lab.healthy(60);
  assert.deepEqual(leftovers(lab), {});
});

test('the switchover is refused: the leader is not stopped, its update waits for the next run', async () => {
  const leader = leaderOf(await lab.healthy(60));
  // Patroni's answer to a request that it cannot serve; every other request reaches it.
  lab.on(
    leader,
    `cat > /usr/local/bin/curl << 'END'
#!/bin/sh
case "$*" in
*/switchover) cat > /dev/null; printf 'refused by the test 412' ;;
*) exec /usr/bin/curl "$@" ;;
esac
END
chmod 0755 /usr/local/bin/curl`,
  );
  const refused = await update('--limit', 'patroni', '--reboot', 'always');
  assert.equal(refused.code, 2, refused.stderr.slice(-2000));
  assert.match(failure(refused.stdout)!.message, /Patroni refused it: refused by the test/);
  lab.on(leader, 'rm /usr/local/bin/curl');
  assert.equal(leaderOf(await lab.healthy(60)), leader);
  assert.deepEqual(leftovers(lab), {});
  assert.equal((await update('--limit', 'patroni', '--reboot', 'always')).code, 0);
});

test('lag is held above the limit: refused before anything is stopped', async () => {
  const status = await lab.healthy(60);
  const replica = status.members.find((member) => member.role !== 'leader')!.name;
  const sql = (host: string, text: string) => lab.on(host, `runuser -u postgres -- psql -XAtq -c "${text}"`);
  sql(replica, 'select pg_wal_replay_pause()');
  sql(leaderOf(status), "select pg_logical_emit_message(false, 'test', repeat('x', 1000000))");
  const refused = await update('--limit', 'patroni', '--reboot', 'always', '--max-lag', '100000');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, new RegExp(`${replica} is streaming, 1\\d{6} bytes behind`));
  sql(replica, 'select pg_wal_replay_resume()');
  await lab.healthy(60);
});

test('a backup is running: refused, and what is running goes on', async () => {
  await lab.healthy(60);
  lab.on(
    'backup',
    `systemd-run -q --unit=slow-backup -p User=postgres sh -c 'pgbackrest --stanza=${lab.cluster} --type=full --process-max=1 backup'; for i in $(seq ${seconds(100)}); do pkill -STOP -u postgres -f 'archive-check|local' && break; sleep 0.05; done; sleep 1`,
  );
  lab.on('backup', "pkill -STOP -u postgres -f 'pgbackrest .*backup'");
  const refused = await update('--limit', 'patroni', '--reboot', 'always');
  lab.on('backup', 'pkill -CONT -u postgres -f pgbackrest');
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, /backup: a backup is running/);
  await until('the backup has ended', 120, () => lab.on('backup', 'systemctl is-active slow-backup').out !== 'active');
});

test('etcd has lost a member: refused, for no other could be taken out', async () => {
  await lab.healthy(60);
  lab.on('db3', 'systemctl stop etcd');
  const refused = await update('--limit', 'patroni', '--reboot', 'always');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /etcd on db3 is not healthy/);
  lab.on('db3', 'systemctl start etcd');
  await lab.healthy(60);
});

test('the controller is killed at ten random moments: nothing is left that does not undo itself, and the next run finishes', {
  seconds: 3600,
}, async () => {
  const random = seeded();
  for (let turn = 0; turn < 10; turn++) {
    const run = lab.start(['update', '--yes', '--limit', 'patroni', '--reboot', 'always']);
    const moment = milliseconds(4000 + random() * 70_000);
    const timer = setTimeout(() => run.kill('SIGKILL'), moment);
    const { stderr } = await run.done;
    clearTimeout(timer);
    console.log(`killed after ${Math.round(moment / 1000)} s at: ${stderr.trim().split('\n').at(-1)}`);
    // A host that is being rebooted needs a moment until it can be reached.
    await until('all hosts answer', 60, async () =>
      (await lab.status()).status.problems.every(({ code }) => code !== 'unreachable'),
    );
  }
  const last = await update('--limit', 'patroni', '--reboot', 'always', '--wait-gate', String(seconds(180)));
  assert.equal(last.code, 0, last.stderr.slice(-3000));
  await lab.healthy(60);
  assert.deepEqual(leftovers(lab), {});
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});
