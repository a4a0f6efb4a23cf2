/**
 * Proves a copy of a whole cluster in a far network: it follows through handovers, losses and new passwords, and takes
 * over on demand. Takes about 20 minutes.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after } from 'node:test';
import { before, test } from '../support/group.ts';
import { leaderOf, leftovers, report, set, TestLab, until } from '../support/lab.ts';

/**
 * A cluster of two database hosts, and its standby cluster in a distant network. The standby is removed first: it asks
 * for its source as long as it exists.
 */
const main = new TestLab('pgpair', 'two-node.yaml');
const far = new TestLab('pgfar', 'standby.yaml');
after(async () => {
  await far.down();
  await main.down();
});

const members = ['far1', 'far2'];
let rows = 0;

/** Writes a row on the main cluster. */
function write(): number {
  rows += 1;
  const { code, out } = main.on(main.client, `psql -XAtq '${main.uri}' -c 'insert into kept values (${rows})'`);
  assert.equal(code, 0, out);
  return rows;
}

const rowsOn = (host: string) =>
  Number(
    far
      .on(host, "runuser -u postgres -- psql -XAtq -d app -c 'select count(*) from kept' 2>/dev/null")
      .out.split('\n')[0],
  );

/** Checks that writes on the main cluster arrive on every member of the standby. */
async function arrives(what: string, hosts = members, seconds = 60): Promise<void> {
  const wanted = write();
  for (const host of hosts) await until(`${what}: ${host} has ${wanted} rows`, seconds, () => rowsOn(host) === wanted);
}

const leads = async () => (await far.status()).status.members.find(({ role }) => role === 'standby_leader')?.name;

before(async () => {
  for (const lab of [main, far]) {
    if (lab === far) far.write((text) => text.replace(/^standby_of: .*/m, `standby_of: ${main.inventory}`));
    if (lab === far) main.write((text) => text.replace(/^hosts:/m, 'standbys: {pgfar: [10.9.14.0/24]}\n\nhosts:'));
    const up = await lab.hapg(['lab', 'up']);
    assert.equal(up.code, 0, up.stderr);
    if (lab === far) continue;
    const { code, stderr } = await main.hapg(['apply', '--yes']);
    assert.equal(code, 0, stderr.slice(-3000));
  }
  await main.findUri();
  assert.equal(main.on(main.client, `psql -XAtq '${main.uri}' -c 'create table kept (n int primary key)'`).code, 0);
});

test('a copy is not begun while its source does not let it in; the message says what to do', async () => {
  const { code, stdout } = await far.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(code, 2, stdout.slice(-2000));
  assert.match(report(stdout).failed[0]!.message, /Has .*lab\.yaml been applied since standbys: names pgfar\?/);
  for (const host of members) assert.equal(far.on(host, 'ls /var/lib/postgresql/17/pgfar').code, 2, 'no database');
});

test('a copy is made from new hosts, has nothing left to do, and gets what is written', async () => {
  const let_in = await main.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(let_in.code, 0, let_in.stderr.slice(-3000));
  assert.deepEqual(
    [...new Set(report(let_in.stdout).changes.map(({ step }) => step.split(' ')[0]))].sort(),
    ['dcs-config', 'file', 'firewall', 'member-settings', 'reload'],
    let_in.stdout,
  );
  const { code, stderr } = await far.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-4000));
  const status = await far.healthy(60);
  assert.deepEqual(status.members.map(({ role }) => role).sort(), ['replica', 'standby_leader']);
  assert.equal(status.backup, null);
  await arrives('made');
  const plan = await far.hapg(['plan', '--detailed-exitcode']);
  assert.equal(plan.code, 0, plan.stdout);
  await main.healthy(30);
});

test('commits of the main cluster do not wait for the copy', () => {
  const leader = ['db1', 'db2'].map(
    (host) =>
      main.on(
        host,
        `runuser -u postgres -- psql -XAtq -p 5442 -c "select application_name || ' ' || sync_state from pg_stat_replication"`,
      ).out,
  );
  assert.match(leader.join('\n'), /^far\d async$/m);
  assert.doesNotMatch(leader.join('\n'), /far\d sync/);
});

test('the main cluster hands over, and the copy follows the new leader', async () => {
  const { code, stderr } = await main.hapg(['switchover', '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
  await arrives('handed over');
  await far.healthy(60);
});

test('the host that leads the copy is lost: another member gets what is written, and the host follows it', async () => {
  const leader = (await leads())!;
  const others = members.filter((one) => one !== leader);
  assert.equal((await far.hapg(['lab', 'kill', leader])).code, 0);
  await arrives('without its leader', others, 90);
  assert.equal((await far.hapg(['lab', 'start', leader])).code, 0);
  await far.healthy(120);
  await arrives('with all members');
  assert.notEqual(await leads(), leader);
});

test('the copy is restarted member by member, and its leader is handed over', async () => {
  const leader = await leads();
  const { code, stderr } = await far.hapg(['restart', '--yes']);
  assert.equal(code, 0, stderr.slice(-3000));
  assert.notEqual(await leads(), leader);
  await arrives('restarted');
  assert.deepEqual(leftovers(far), {});
});

test('new passwords of the main cluster are taken over by the next apply of the copy', async () => {
  const refused = await far.hapg(['secrets', 'rotate', 'replication', '--yes']);
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /accounts are those of pgpair, and the next apply takes them over/);
  assert.equal((await main.hapg(['secrets', 'rotate', 'replication', 'rewind', 'superuser', '--yes'])).code, 0);
  const { code, stdout } = await far.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(code, 0, stdout);
  const changes = set(report(stdout)).filter((line) => !/reload/.test(line));
  // Every host keeps the revision of the secret store, which knows the passwords now.
  const isIdentity = (line: string) => / file \/etc\/hapg\/cluster\.json update$/.test(line);
  assert.deepEqual(
    changes.filter((line) => !isIdentity(line)),
    members.map((host) => `${host} file /etc/patroni/config.yml update`),
  );
  assert.equal(changes.filter(isIdentity).length, far.hosts.length);
  far.on((await leads())!, 'pkill -f walreceiver');
  await arrives('with the new password');
  assert.equal((await far.hapg(['plan', '--detailed-exitcode'])).code, 0);
});

test('backups and promotion are refused while the main cluster lives', async () => {
  const backup = await far.hapg(['backup', '--yes']);
  assert.equal(backup.code, 5);
  assert.match(backup.stderr, /pgfar is a standby of pgpair: the backups are there/);
  const { code, stderr } = await far.hapg(['promote', '--yes']);
  assert.equal(code, 1);
  assert.match(stderr, /its source is there, at 10\.9\.3\.\d+.*, so there would be two clusters that take writes/);
  assert.equal(await leads(), leaderOfCopy(await far.healthy(30)));
});

const leaderOfCopy = (status: { members: { name: string; role: string }[] }) =>
  status.members.find(({ role }) => role === 'standby_leader')!.name;

test('promote: everything that was written is there, writes and backups go on, and standby_of is taken out', async () => {
  // The standby knows this user from its data only.
  assert.equal((await main.hapg(['secrets', 'rotate', 'app', '--yes'])).code, 0);
  for (let n = 0; n < 20; n++) write();
  const last = leaderOf(await main.healthy(30));
  for (const host of [...main.with('patroni').filter((one) => one !== last), last])
    main.on(host, 'systemctl stop patroni');
  await until('nothing comes any more', 30, async () =>
    (await far.status()).status.problems.some(({ code }) => code === 'source'),
  );
  const before = readFileSync(far.inventory, 'utf8');
  const named = () => /^standby_of/m.test(readFileSync(far.inventory, 'utf8'));
  const killed = far.start(['promote', '--yes']);
  await until('it takes writes', 120, () => !named());
  killed.kill('SIGKILL');
  await killed.done;
  assert.equal(readFileSync(far.inventory, 'utf8'), before.replace(/^standby_of: .*\n/m, ''));
  const { code, stdout, stderr } = await far.hapg(['promote', '--yes']);
  assert.equal(code, 0, stderr.slice(-4000));
  assert.match(stdout, /leads already; what a promotion has left is done/);
  await far.findUri();
  const sql = 'insert into kept values (1000); select count(*), inet_server_addr() from kept';
  const leader = leaderOf(await far.healthy(60));
  assert.equal(
    far.on(far.client, `psql -XAtq '${far.uri}' -c "${sql}"`).out,
    `${rows + 1}|${far.on(leader, "hostname -I | cut -d' ' -f1").out}`,
  );
  const { status } = await far.status();
  assert.ok(status.backup.last, 'there is a first backup');
  assert.equal((await far.hapg(['plan', '--detailed-exitcode'])).code, 0);
  const again = await far.hapg(['promote', '--yes']);
  assert.equal(again.code, 0);
  assert.match(again.stdout, /Nothing to do/);
});

test('a cluster of its own is not made a copy again by an inventory that has not heard of it', async () => {
  const file = far.variant('again.yaml', (text) => text.replace(/^ssh:/m, `standby_of: ${main.inventory}\nssh:`));
  for (const command of ['apply', 'repair', 'restart']) {
    const { code, stderr } = await far.hapg([command, '--yes', '-i', file]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /leads and takes writes, and .* says that this is a standby of pgpair/, command);
  }
});
