import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leaderOf, type TestLab, until, Writer } from '../support/lab.ts';

/** What is left of states that were held for a while. */
const leftOn = (lab: TestLab, host: string): string =>
  lab.on(host, 'ls /var/lib/hapg/hold /etc/systemd/system 2>/dev/null | grep -E "^(pause|drain|fence|hapg-hold)"; :')
    .out;

/** What an operator does when something is broken, or is about to be switched off. */
export function emergencies(lab: TestLab): void {
  const databases = lab.with('patroni');
  const codes = async () => (await lab.status()).status.problems.map(({ code }) => code);
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await lab.hapg([...args, '--yes']);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const replicas = async () => {
    const leader = leaderOf(await lab.healthy(60));
    return databases.filter((host) => host !== leader);
  };
  const nothingLeft = () => assert.deepEqual(databases.map((host) => leftOn(lab, host)).join(''), '');

  test('a pause is known to status and apply, and ends by itself', async () => {
    await lab.healthy(60);
    await run('pause', '--for', '25s');
    assert.deepEqual(await codes(), ['paused']);
    const refused = await lab.hapg(['apply', '--yes']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /the cluster is paused until \S+Z, so there is no failover: "hapg resume" first/);
    await lab.healthy(60);
    await until('nothing is left of the pause', 60, () => databases.every((host) => leftOn(lab, host) === ''));
  });

  test('a pause can be ended before, whoever began it', async () => {
    await run('pause');
    await run('resume');
    nothingLeft();
    lab.on(databases[0]!, 'runuser -u postgres -- patronictl -c /etc/patroni/config.yml pause --wait');
    await run('resume');
    await lab.healthy(60);
    assert.match((await lab.hapg(['resume', '--yes'])).stdout, /Nothing to do/);
  });

  test('a leader that is drained hands over, serves nobody, and comes back', async () => {
    const leader = leaderOf(await lab.healthy(60));
    const writer = new Writer(lab);
    writer.start(90);
    await run('drain', leader, '--for', '10m');
    const { lost } = writer.stop();
    assert.equal(lost, 0);
    const { status } = await lab.status();
    assert.deepEqual(
      status.problems.map(({ code, host }) => [code, host]),
      [['held', leader]],
    );
    assert.notEqual(leaderOf(status), leader);
    for (const { replica } of status.balancers) assert.ok(!replica.includes(leader));
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 1, 'apply would end it unnoticed');
    const another = databases.find((host) => host !== leader)!;
    assert.equal((await lab.hapg(['drain', another, '--yes'])).code, 1, 'one host at a time');
    await run('undrain', leader);
    nothingLeft();
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('a drain ends by itself', async () => {
    const replica = (await replicas())[0]!;
    await run('drain', replica, '--for', '15s');
    await lab.healthy(90);
    await until('nothing is left of the drain', 30, () => leftOn(lab, replica) === '');
  });

  test('a fenced member stays down over a boot, until it is let in', async () => {
    const replica = (await replicas())[0]!;
    const isUp = () => lab.on(replica, 'pgrep -c -u postgres -f "postgres -D" || :').out !== '0';
    await run('fence', replica);
    assert.ok(!isUp());
    assert.equal((await lab.hapg(['lab', 'kill', replica])).code, 0);
    assert.equal((await lab.hapg(['lab', 'start', replica])).code, 0);
    await until('the DCS is whole', 60, async () => (await codes()).join() === 'held');
    assert.ok(!isUp(), 'a boot does not start it');
    await run('unfence', replica);
    nothingLeft();
    await lab.healthy(60);
  });

  test('a cluster is stopped and started again without a change of leader', async () => {
    const before = await lab.healthy(60);
    await run('stop');
    for (const host of lab.hosts.filter((one) => one !== lab.client))
      assert.equal(lab.on(host, 'pgrep -c "^(etcd|haproxy|keepalived|patroni)$" || :').out, '0', host);
    for (const host of databases) assert.equal(lab.on(host, 'pgrep -c -u postgres postgres || :').out, '0', host);
    await run('start');
    const after = await lab.healthy(60);
    assert.equal(leaderOf(after), leaderOf(before));
    // Patroni starts the last leader as a standby and promotes it, which is another timeline.
    assert.equal(after.timeline, before.timeline! + 1);
  });

  test('with the leader and the synchronous standby gone nobody leads, until one is made the leader by name', async () => {
    const { members } = await lab.healthy(60);
    const leader = members.find(({ role }) => role === 'leader')!.name;
    const standby = members.find(({ role }) => role === 'sync_standby')!.name;
    const last = databases.find((host) => host !== leader && host !== standby)!;
    const refused = await lab.hapg(['failover', '--to', last, '--yes']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`${leader} leads and serves: .*hapg switchover --to ${last}`));
    // A row that commits with the synchronous standby alone, so that both have more WAL than the last member.
    const client = (statement: string) => lab.on(lab.client, `psql -XAtq '${lab.uri}' -c "${statement}"`);
    assert.equal(client('create table lost (at timestamptz default now())').code, 0);
    const asleep = `select pid from pg_stat_replication where application_name = '${last}'`;
    lab.on(leader, `kill -STOP $(runuser -u postgres -- psql -XAtc "${asleep}")`);
    assert.equal(client('insert into lost default values').code, 0);
    const dies =
      'systemctl mask --runtime -q patroni; systemctl kill -s KILL patroni; pkill -9 -u postgres -f "postgres"';
    for (const host of [leader, standby]) lab.on(host, dies);
    const held = await lab.hapg(['failover', '--to', last, '--yes']);
    await until('the lease has ended', 60, async () => (await codes()).includes('no_leader'));
    const made = await lab.hapg(['failover', '--to', last, '--yes', '-o', 'json']);
    const recovers = lab.on(lab.client, `psql -XAtq '${lab.uri}' -c 'select pg_is_in_recovery()'`).out;
    // Whatever is judged, what follows finds the members as they were.
    for (const host of [leader, standby])
      lab.on(host, 'systemctl unmask --runtime -q patroni; systemctl start patroni');
    assert.equal(held.code, 1, held.stdout);
    assert.match(held.stderr, new RegExp(`${leader} has the lease of the leader`));
    assert.equal(made.code, 0, made.stdout + made.stderr);
    assert.equal((JSON.parse(made.stdout) as { leader: string }).leader, last);
    assert.equal(recovers, 'f');
    assert.equal(leaderOf(await lab.healthy(120)), last);
    // The members that come back follow their new leader, and have nothing that it never had.
    assert.equal(client("insert into lost values ('2000-01-01Z'); select pg_current_wal_lsn()").code, 0);
    const [, database] = /:\d+\/(\w+)/.exec(lab.uri)!;
    const rows = `runuser -u postgres -- psql -XAtq -d ${database} -c 'set timezone=utc' -c 'select at::date from lost'`;
    for (const host of databases)
      await until(`${host} has what its leader has`, 30, () => lab.on(host, rows).out === '2000-01-01');
    await lab.healthy(30);
    const history = JSON.parse((await lab.hapg(['history', '-o', 'json'])).stdout) as { history: { leader: string }[] };
    assert.equal(history.history.at(-1)!.leader, last);
    const drawn = (await lab.hapg(['topology'])).stdout;
    assert.match(drawn, new RegExp(`^${last} .*leader.*\n├─ .*\n└─ `, 'm'));
  });
}
