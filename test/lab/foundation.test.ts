import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HOSTS, leaderOf, manifest, TestLab, Writer } from '../support/lab.ts';

const lab = new TestLab();
let uri = '';

before(async () => {
  const up = await lab.hapg(['lab', 'up']);
  assert.equal(up.code, 0, up.stderr);
  uri = (await lab.hapg(['connect'])).stdout.split('\n')[0]!;
});
after(() => lab.down());

interface Report {
  changes: { host: string; step: string; action: string; known_after_apply: boolean }[];
  failed: unknown[];
  hosts: Record<string, { changed: number }>;
}
const report = (text: string) => JSON.parse(text) as Report;
const set = (one: Report) => one.changes.map(({ host, step, action }) => `${host} ${step} ${action}`).sort();

test('plan on bare hosts writes nothing', async () => {
  const look = () =>
    Object.fromEntries(
      HOSTS.map((host) => [
        host,
        lab.on(
          host,
          "find / -xdev -type f ! -path '/proc/*' ! -path '/var/log/*' ! -path /var/lib/hapg/lock ! -path '/var/lib/systemd/*' -newermt '-1 hour' -printf '%p %m %T@\\n' | sort",
        ).out,
      ]),
    );
  const first = look();
  const { code, stdout } = await lab.hapg(['plan', '--detailed-exitcode', '-o', 'json']);
  assert.equal(code, 2, 'changes are pending');
  assert.ok(report(stdout).changes.length > 100);
  assert.deepEqual(look(), first);
});

test('from bare hosts to a healthy cluster, and what plan has shown is what apply does', async () => {
  const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
  const { code, stdout, stderr, ms } = await lab.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(code, 0, `${stderr.slice(-3000)}\n${stdout.slice(-2000)}`);
  console.log(`first apply: ${Math.round(ms / 1000)} s`);
  const applied = report(stdout);
  assert.deepEqual(applied.failed, []);
  const only = (a: string[], b: string[]) => a.filter((one) => !b.includes(one));
  assert.deepEqual(only(set(applied), set(planned)), [], 'apply did something that plan did not show');
  assert.deepEqual(only(set(planned), set(applied)), [], 'apply left out something that plan showed');
  const status = await lab.healthy(30);
  assert.equal(leaderOf(status), 'db1');
});

test('the second apply changes nothing: no file, no unit, no rule', async () => {
  const before = manifest(lab);
  const { code, stdout } = await lab.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(code, 0);
  assert.deepEqual(report(stdout).changes, []);
  const plan = await lab.hapg(['plan', '--detailed-exitcode']);
  assert.equal(plan.code, 0, plan.stdout);
  assert.deepEqual(manifest(lab), before);
});

test('two applies at once: the second exits 3, names the holder, and has run nothing; a killed controller leaves no lock', async () => {
  assert.equal(
    lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart libpam-tmpdir').code,
    0,
  );
  const before = manifest(lab);
  const first = lab.start(['apply', '--yes', '-l', 'client']);
  await until('the first run takes its lock', 10, () => !isFree('client'));
  const second = await lab.hapg(['apply', '--yes', '-e', 'postgres.parameters.work_mem=9MB']);
  assert.equal(second.code, 3, second.stderr);
  assert.match(second.stderr, /client: locked by another run \(hapg apply by .* since /);
  first.kill('SIGKILL');
  await first.done;
  await until('the lock is free', 10, () => isFree('client'));
  const unchanged = manifest(lab);
  for (const host of HOSTS.filter((name) => name !== 'client')) assert.deepEqual(unchanged[host], before[host], host);
  const again = await lab.hapg(['apply', '--yes']);
  assert.equal(again.code, 0, again.stderr);
  assert.match((await lab.hapg(['audit'])).stdout, /apply +\d+ +did not end/);
});

test('Ctrl-C finishes what is in flight, exits 130, and the next run goes on', async () => {
  assert.equal(lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart').code, 0);
  lab.on('client', 'systemctl disable --now apt-daily-upgrade.timer');
  const first = lab.start(['apply', '--yes', '-l', 'client']);
  await until('the first run takes its lock', 10, () => !isFree('client'));
  first.kill('SIGINT');
  const ended = await first.done;
  assert.equal(ended.code, 130, ended.stdout + ended.stderr);
  assert.match(ended.stdout, /interrupted; run again to go on/);
  assert.notEqual(
    lab.on('client', 'systemctl is-enabled apt-daily-upgrade.timer').code,
    0,
    'a later step was not begun',
  );
  const again = await lab.hapg(['apply', '--yes']);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(lab.on('client', 'systemctl is-enabled apt-daily-upgrade.timer').code, 0);
});

test('a saved plan is done as shown, and refused when it is stale', async () => {
  const saved = join(lab.directory, 'saved.plan');
  lab.on('proxy1', 'echo "# drift" >> /etc/issue');
  assert.equal((await lab.hapg(['plan', '--out', saved])).code, 0);
  lab.on('proxy1', 'echo "# more drift" >> /etc/issue');
  const stale = await lab.hapg(['apply', saved]);
  assert.equal(stale.code, 1);
  assert.match(stale.stderr, /is stale/);
  assert.equal((await lab.hapg(['plan', '--out', saved])).code, 0);
  const done = await lab.hapg(['apply', saved, '-o', 'json']);
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(set(report(done.stdout)), ['proxy1 file /etc/issue update']);
});

test('a bad inventory ends with 5 before any host is contacted', async () => {
  const bad = lab.variant('bad.yaml', (text) => text.replace('port: 3101', 'prot: 3101'));
  for (const command of ['validate', 'plan', 'apply', 'status']) {
    const { code, stderr } = await lab.hapg([command, '-i', bad]);
    assert.equal(code, 5, command);
    assert.match(stderr, /bad\.yaml:\d+:\d+: error: unknown key "prot" \(did you mean "port"\?\)/);
  }
  assert.equal((await lab.hapg(['apply', '--no-such-flag'])).code, 5);
});

const isFree = (host: string): boolean => lab.on(host, 'flock -n /var/lib/hapg/lock true').code === 0;

async function until(what: string, seconds: number, check: () => boolean): Promise<void> {
  for (let tries = 0; tries < seconds * 20; tries++) {
    if (check()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`waited ${seconds} s until ${what}`);
}

test('external judges agree', () => {
  const ok = (host: string, script: string, says = /(?:)/) => {
    const { code, out } = lab.on(host, script);
    assert.equal(code, 0, `${host}: ${script}\n${out}`);
    assert.match(out, says);
    return out;
  };
  const list = ok('db1', 'patronictl -c /etc/patroni/config.yml list -f json');
  const members = JSON.parse(list) as { Role: string; State: string }[];
  assert.deepEqual(members.map((one) => one.Role).sort(), ['Leader', 'Replica', 'Sync Standby']);
  assert.deepEqual(members.map((one) => one.State).sort(), ['running', 'streaming', 'streaming']);
  ok(
    'db1',
    'ETCDCTL_API=3 etcdctl --endpoints=https://10.1.2.10:2379 --cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/server.crt --key=/etc/etcd/pki/server.key endpoint health --cluster 2>&1 | grep -c "is healthy"',
    /^3$/,
  );
  for (const proxy of ['proxy1', 'proxy2']) {
    ok(proxy, 'haproxy -c -q -f /etc/haproxy/haproxy.cfg');
    ok(proxy, 'keepalived -t -f /etc/keepalived/keepalived.conf');
  }
  ok('backup', 'runuser -u postgres -- pgbackrest --stanza=pgtest check', /completed successfully/);
  ok(
    'backup',
    'runuser -u postgres -- pgbackrest --stanza=pgtest verify 2>&1 | tail -n 1',
    /verify command end: completed successfully/,
  );
  for (const db of ['db1', 'db2', 'db3'])
    ok(db, 'runuser -u postgres -- patroni --validate-config --ignore-listen-port /etc/patroni/config.yml');
  ok('db1', "runuser -u postgres -- psql -XAtc 'show data_checksums'", /on/);
  ok('db2', 'cat /var/log/pgbackrest/pgtest-restore.log', /restore command end: completed successfully/);
  ok(
    'client',
    `psql -XAtq '${uri}' -c 'create table if not exists seen (t timestamptz)' -c 'insert into seen values (now())' -c 'select count(*) from seen'`,
    /^[1-9]/,
  );
  ok(
    'client',
    `for i in 1 2 3 4 5; do psql -XAtq '${uri.replace(':5000', ':5001')}' -c 'select count(*), pg_is_in_recovery() from seen' && exit 0; sleep 1; done; exit 1`,
    /^1\|t$/,
  );
});

test('who may not come in stays out', () => {
  const refused = (script: string, says: RegExp) => {
    const { code, out } = lab.on('client', script);
    assert.notEqual(code, 0, out);
    assert.match(out, says);
  };
  refused(
    `psql '${uri.replace('sslmode=verify-full', 'sslmode=disable')}' -c 'select 1' 2>&1`,
    /pg_hba.conf rejects connection|no encryption/,
  );
  refused(`PGPASSWORD=wrong psql -w '${uri}' -c 'select 1' 2>&1`, /password authentication failed/);
  refused(`psql '${uri.replace('app@', 'postgres@')}' -w -c 'select 1' 2>&1`, /pg_hba.conf rejects connection/);
  refused("timeout 3 bash -c '</dev/tcp/10.1.2.10/5432'", /(?:)/);
  assert.notEqual(
    lab.on(
      'db1',
      'curl -sf -X POST --cacert /etc/patroni/pki/rest-ca.crt --cert /etc/patroni/pki/rest.crt --key /etc/patroni/pki/rest.key https://10.1.2.10:8008/restart',
    ).code,
    0,
    'REST writes need a password',
  );
  assert.notEqual(
    lab.on('db2', 'curl -sf --cacert /etc/etcd/pki/ca.crt https://10.1.2.10:2379/health').code,
    0,
    'etcd needs a client certificate',
  );
});

test("a stranger's port scan finds only what the model allows", async () => {
  const added = await lab.hapg(['lab', 'add', 'stranger', '--address', '10.1.2.40', '-o', 'json']);
  assert.equal(added.code, 0, added.stderr);
  const ports = [22, 2379, 2380, 5000, 5001, 5002, 5003, 5432, 7000, 8008, 8432];
  const scan = `for h in 10 11 12 13 14 15 16; do for p in ${ports.join(' ')}; do timeout 1 bash -c "</dev/tcp/10.1.2.$h/$p" 2>/dev/null && echo "$h:$p"; done; done; true`;
  const open = lab.on('stranger', scan, 200).out.split('\n').sort();
  const balancer = (host: number) => [22, 5000, 5001, 5002, 5003, 7000].map((port) => `${host}:${port}`);
  assert.deepEqual(
    open,
    [...[10, 11, 12, 13, 16].map((host) => `${host}:22`), ...balancer(14), ...balancer(15)].sort(),
  );
});

test('a changed setting: plan shows exactly what apply does, and only that', async () => {
  lab.write((text) => text.replace('max_connections: 100', 'max_connections: 100\n    work_mem: 6MB'));
  const started = lab.on('db1', 'systemctl show -p ExecMainStartTimestampMonotonic patroni etcd').out;
  const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
  const applied = report((await lab.hapg(['apply', '--yes', '-o', 'json'])).stdout);
  assert.deepEqual(set(applied), set(planned));
  assert.deepEqual(
    set(planned).filter((line) => !line.includes('/etc/hapg/cluster.json')),
    ['db1', 'db2', 'db3']
      .flatMap((db) => [`${db} file /etc/patroni/config.yml update`, `${db} reload patroni.service reload`])
      .sort(),
  );
  assert.equal(
    lab.on(
      'db3',
      "for i in $(seq 20); do runuser -u postgres -- psql -XAtc 'show work_mem' | grep -qx 6MB && exit 0; sleep 0.5; done; exit 1",
    ).code,
    0,
  );
  assert.equal(lab.on('db1', 'systemctl show -p ExecMainStartTimestampMonotonic patroni etcd').out, started);
});

test('a stopped unit, an edited file and a wrong mode are named and repaired, and nothing else', async () => {
  lab.on(
    'proxy2',
    'systemctl stop haproxy; echo "# edited" >> /etc/keepalived/keepalived.conf; chmod 644 /etc/haproxy/haproxy.cfg',
  );
  const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
  const applied = report((await lab.hapg(['apply', '--yes', '-o', 'json'])).stdout);
  assert.deepEqual(set(applied), set(planned));
  const steps = set(planned).filter((line) => !line.includes(' ready '));
  assert.deepEqual(steps, [
    'proxy2 file /etc/haproxy/haproxy.cfg update',
    'proxy2 file /etc/keepalived/keepalived.conf update',
    'proxy2 reload keepalived.service reload',
    'proxy2 unit haproxy.service create',
  ]);
  await lab.healthy(30);
});

test('max_connections grows: replicas restart first, then the leader hands over; no acknowledged row is lost', async () => {
  lab.write((text) => text.replace('max_connections: 100', 'max_connections: 120'));
  const writer = new Writer(lab, uri);
  writer.start(90);
  const { code, stdout, stderr } = await lab.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(code, 0, stderr.slice(-2000));
  const result = writer.stop();
  console.log(`rolling restart: ${JSON.stringify(result)}`);
  const restarts = report(stdout)
    .changes.filter((one) => one.step.startsWith('restart-pending'))
    .map((one) => one.host);
  assert.deepEqual(restarts.at(-1), 'db1', `the leader comes last: ${restarts}`);
  assert.equal(restarts.length, 3);
  assert.equal(result.lost, 0);
  assert.ok(result.acked > 20);
  for (const db of ['db1', 'db2', 'db3'])
    assert.equal(lab.on(db, "runuser -u postgres -- psql -XAtc 'show max_connections'").out, '120');
  await lab.healthy(60);
});

test('logins: sudo with and without a password, an encrypted key, a jump host', async () => {
  const key = join(lab.directory, '.hapg', lab.cluster, 'lab_ed25519');
  const publicKey = readFileSync(`${key}.pub`, 'utf8').trim();
  const addUser = (name: string, sudoers: string) =>
    lab.on(
      'client',
      `useradd -m -s /bin/sh ${name}; echo '${name}:correct horse battery' | chpasswd; mkdir -p -m 700 /home/${name}/.ssh; echo '${publicKey}' > /home/${name}/.ssh/authorized_keys; chown -R ${name}: /home/${name}/.ssh; echo '${sudoers}' > /etc/sudoers.d/${name}; chmod 440 /etc/sudoers.d/${name}`,
    );
  addUser('free', 'free ALL=(ALL) NOPASSWD: ALL');
  addUser('asked', 'asked ALL=(ALL) ALL');
  const plan = (flags: string[], env: Record<string, string> = {}) =>
    lab.hapg(['plan', '-l', 'client', '-o', 'json', ...flags], env);
  const good = await plan(['-u', 'free']);
  assert.equal(good.code, 0, good.stderr);
  const needs = await plan(['-u', 'asked']);
  assert.equal(needs.code, 4);
  assert.match(needs.stderr, /a password is needed for asked: use -K/);
  const wrong = await plan(['-u', 'asked'], { HAPG_BECOME_PASSWORD: 'not this one at all' });
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /password was not accepted/);
  assert.doesNotMatch(wrong.stderr + wrong.stdout, /not this one at all/);
  const right = await plan(['-u', 'asked'], { HAPG_BECOME_PASSWORD: 'correct horse battery' });
  assert.equal(right.code, 0, right.stderr);

  const encrypted = join(lab.directory, 'encrypted');
  copyFileSync(key, encrypted);
  chmodSync(encrypted, 0o600);
  assert.equal(spawnSync('ssh-keygen', ['-q', '-p', '-N', 'a long passphrase', '-f', encrypted]).status, 0);
  const open = await plan(['--private-key', encrypted], { HAPG_KEY_PASSPHRASE: 'a long passphrase' });
  assert.equal(open.code, 0, open.stderr);
  const closed = await plan(['--private-key', encrypted]);
  assert.equal(closed.code, 4);

  const through = lab.variant('jump.yaml', (text) =>
    text.replace(
      /client: .*/,
      'client: {address: 10.1.2.16, ssh: {host: 10.1.2.16, port: 22, jump: proxy1}, roles: [client]}',
    ),
  );
  const known = join(lab.directory, '.hapg', lab.cluster, 'known_hosts');
  const line = readFileSync(known, 'utf8')
    .split('\n')
    .find((one) => one.startsWith('[127.0.0.1]:3107 '))!;
  writeFileSync(known, `${readFileSync(known, 'utf8')}${line.replace('[127.0.0.1]:3107', '10.1.2.16')}\n`);
  // A jump host has to forward; applying this inventory is what allows it.
  const allow = await lab.hapg(['apply', '--yes', '-l', 'proxy1', '-i', through]);
  assert.equal(allow.code, 0, allow.stderr + allow.stdout);
  const jumped = await lab.hapg(['plan', '-l', 'client', '-o', 'json', '-i', through]);
  assert.equal(jumped.code, 0, jumped.stderr);
  const back = await lab.hapg(['apply', '--yes']);
  assert.equal(back.code, 0, back.stderr);
});

test('a changed host key is refused with exit 4, and nothing is run', async () => {
  const known = join(lab.directory, '.hapg', lab.cluster, 'known_hosts');
  const good = readFileSync(known, 'utf8');
  const other = good
    .split('\n')
    .find((line) => line.startsWith('[127.0.0.1]:3102 '))!
    .split(' ')[2]!;
  writeFileSync(known, good.replace(/^(\[127\.0\.0\.1\]:3101 \S+) \S+$/m, `$1 ${other}`));
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 4);
  assert.match(stderr, /db1: .*its host key is ssh-ed25519 SHA256:.*has another one/);
  writeFileSync(
    known,
    good
      .split('\n')
      .filter((line) => !line.startsWith('[127.0.0.1]:3101 '))
      .join('\n'),
  );
  const unknown = await lab.hapg(['plan', '-l', 'db1']);
  assert.equal(unknown.code, 4);
  assert.match(unknown.stderr, /is not known.*hapg trust/);
  const trusted = await lab.hapg(['trust', '-l', 'db1', '--yes']);
  assert.equal(trusted.code, 0, trusted.stderr);
  assert.equal((await lab.hapg(['plan', '-l', 'db1'])).code, 0);
});

test("the leader's PostgreSQL is killed: writes are back within 10 s, no acknowledged row is lost", async () => {
  const leader = leaderOf(await lab.healthy(60));
  const writer = new Writer(lab, uri);
  writer.start(60);
  await new Promise((done) => setTimeout(done, 3000));
  lab.on(leader, 'pkill -9 -u postgres -f /bin/postgres');
  await new Promise((done) => setTimeout(done, 15_000));
  const result = writer.stop();
  console.log(`leader process killed: ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  assert.ok(result.longestGapMs < 10_000);
  await lab.healthy(90);
});

test("the leader's host is lost: a new leader within 30 s, balancers follow, no acknowledged row is lost, and it rejoins by itself", async () => {
  const leader = leaderOf(await lab.healthy(90));
  const writer = new Writer(lab, uri);
  writer.start(120);
  await new Promise((done) => setTimeout(done, 3000));
  assert.equal((await lab.hapg(['lab', 'kill', leader])).code, 0);
  await new Promise((done) => setTimeout(done, 35_000));
  const during = await lab.status();
  assert.equal(during.code, 1, 'a lost host is not healthy');
  assert.ok(during.status.problems.some((problem) => problem.code === 'unreachable' && problem.host === leader));
  const result = writer.stop();
  console.log(`leader host lost: ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  assert.ok(result.longestGapMs < 30_000, `${result.longestGapMs} ms`);
  assert.equal((await lab.hapg(['lab', 'start', leader])).code, 0);
  const after = await lab.healthy(120);
  assert.notEqual(leaderOf(after), leader);
  for (const balancer of after.balancers) assert.deepEqual(balancer.primary, [leaderOf(after)]);
});

test('the VIP moves when its balancer is lost, and exactly one host holds it', async () => {
  const holder = (await lab.healthy(60)).vip.holders[0]!;
  const writer = new Writer(lab, uri);
  writer.start(60);
  await new Promise((done) => setTimeout(done, 2000));
  await lab.hapg(['lab', 'kill', holder]);
  await new Promise((done) => setTimeout(done, 12_000));
  const result = writer.stop();
  console.log(`VIP holder lost: ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  assert.ok(result.longestGapMs < 10_000, `${result.longestGapMs} ms`);
  await lab.hapg(['lab', 'start', holder]);
  const after = await lab.healthy(60);
  assert.equal(after.vip.holders.length, 1);
});

test('after all of this apply still has nothing to do, and no secret lies open', async () => {
  const { code, stdout } = await lab.hapg(['plan', '--detailed-exitcode']);
  assert.equal(code, 0, stdout);
  const secrets = [
    ...readFileSync(join(lab.directory, '.hapg', lab.cluster, 'secrets.yaml'), 'utf8').matchAll(
      /^ {2}\w+: ([A-Za-z0-9x]{20,})$/gm,
    ),
  ].map((match) => match[1]!);
  assert.ok(secrets.length >= 7);
  for (const host of HOSTS) {
    const found = lab.on(
      host,
      `cd /; for s in ${secrets.join(' ')}; do { find /etc /var/log /var/lib/hapg /tmp /run -xdev -type f -perm -o+r -exec grep -lF "$s" {} + ; journalctl -q --no-pager | grep -cF "$s" | grep -v '^0$'; grep -rlF "$s" /var/log/hapg; } 2>/dev/null; done`,
    ).out;
    assert.equal(found, '', host);
  }
});
