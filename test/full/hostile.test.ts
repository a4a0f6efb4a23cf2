/**
 * Proves that half-made and hostile states are finished, or refused with the reason and the way on: never a second
 * initdb, never lost data, and a way in that is lost is put back. Takes about 25 minutes.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { before, test } from '../support/group.ts';
import { leaderOf, leftovers, TestLab, until } from '../support/lab.ts';
import { pause, seconds } from '../support/time.ts';

const lab = new TestLab('pghost');
const state = join(lab.directory, '.hapg');
const DATABASES = ['db1', 'db2', 'db3'];
const data = `/var/lib/postgresql/17/${lab.cluster}`;
const apply = (...args: string[]) => lab.hapg(['apply', '--yes', ...args]);
const identifier = (host: string) =>
  lab.on(host, `/usr/lib/postgresql/17/bin/pg_controldata -D ${data} | sed -n 's/^Database system identifier: *//p'`)
    .out;
let system = '';

before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  await lab.findUri();
});
after(() => lab.down());

const aReplica = async (): Promise<string> => {
  const leader = leaderOf(await lab.healthy(60));
  return DATABASES.find((name) => name !== leader)!;
};

/** After each test: one database, the same as in the beginning, with the row in it. */
async function whole(): Promise<void> {
  await lab.healthy(90);
  for (const host of DATABASES) assert.equal(identifier(host), system, host);
  assert.equal(lab.on('client', `psql -XAtq '${lab.uri}' -c 'select count(*) from kept'`).out, '1');
  assert.deepEqual(leftovers(lab), {});
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
}

async function refused(says: RegExp, ...args: string[]): Promise<void> {
  const { code, stderr } = await apply(...args);
  assert.equal(code, 1, stderr.slice(-2000));
  assert.match(stderr, says);
}

test('etcd is up and Patroni was never there: apply goes on', async () => {
  const part = await apply('-t', 'hardening,ufw,etcd');
  assert.equal(part.code, 0, part.stderr.slice(-2000));
  assert.equal(lab.on('db1', 'systemctl is-active etcd patroni').out, 'active\ninactive');
});

test('initdb is killed in the middle: what it left is no cluster, and the next run makes one, once', async () => {
  const run = lab.start(['apply', '--yes']);
  await until('initdb works', 240, () => lab.on('db1', 'pkill -KILL -x initdb').code === 0);
  await run.done;
  const again = await apply();
  assert.equal(again.code, 0, again.stderr.slice(-3000));
  await lab.healthy(60);
  system = identifier('db1');
  assert.match(system, /^\d{19}$/);
  lab.on('client', `psql -q '${lab.uri}' -c 'create table kept as select 1 n'`);
  await whole();
});

test('the .hapg directory is lost: refused, for new passwords and authorities would cut everything off', async () => {
  renameSync(state, `${state}-away`);
  // The SSH key is not one of the cluster's secrets.
  mkdirSync(join(state, lab.cluster), { recursive: true });
  for (const name of ['known_hosts', 'lab_ed25519'])
    cpSync(join(`${state}-away`, lab.cluster, name), join(state, lab.cluster, name));
  try {
    await refused(/belongs to cluster pghost .* Bring that directory back/);
    assert.ok(!existsSync(join(state, lab.cluster, 'secrets.yaml')), 'no new secrets were made');
  } finally {
    rmSync(state, { recursive: true });
    renameSync(`${state}-away`, state);
  }
  await whole();
});

test('a second controller with an older inventory: refused with the generation', async () => {
  const secrets = join(state, lab.cluster, 'secrets.yaml');
  const older = readFileSync(secrets);
  const before = readFileSync(lab.inventory, 'utf8');
  lab.write((text) => text.replace('max_connections: 100', 'max_connections: 100\n    work_mem: 5MB'));
  assert.equal((await apply()).code, 0);
  const newer = readFileSync(secrets);
  writeFileSync(secrets, older);
  writeFileSync(lab.inventory, before);
  await refused(/a newer inventory was applied \(generation \d+, yours is \d+\)/);
  writeFileSync(secrets, newer);
  assert.equal((await apply()).code, 0, 'with the present store the older text is a change like any other');
  await whole();
});

test('the same hosts under another cluster name: refused, they belong to somebody', async () => {
  const other = lab.variant('other.yaml', (text) => text.replace(`cluster: ${lab.cluster}`, 'cluster: stolen'));
  mkdirSync(join(state, 'stolen'), { recursive: true });
  cpSync(join(state, lab.cluster, 'known_hosts'), join(state, 'stolen', 'known_hosts'));
  await refused(/belongs to (another )?cluster,? pghost/, '-i', other);
  await whole();
});

test('a paused cluster: refused, for there is no failover', async () => {
  lab.on('db1', 'patronictl -c /etc/patroni/config.yml pause --wait');
  await refused(/the cluster is paused, so there is no failover/);
  assert.ok((await lab.status()).status.problems.some(({ code }) => code === 'paused'));
  lab.on('db1', 'patronictl -c /etc/patroni/config.yml resume --wait');
  await whole();
});

test('a degraded cluster: what is down is started, what is gone is refused by name', async () => {
  const replica = await aReplica();
  lab.on(replica, 'systemctl stop patroni');
  assert.equal((await apply()).code, 0);
  await whole();
  assert.equal((await lab.hapg(['lab', 'kill', replica])).code, 0);
  const { code, stderr } = await apply();
  assert.equal(code, 4);
  assert.match(stderr, new RegExp(`${replica}.*\\n?.*Go on without a host only on purpose`, 's'));
  assert.equal((await lab.hapg(['lab', 'start', replica])).code, 0);
  await whole();
});

test("another cluster's data directory on a host: refused with both identifiers, and nothing of it is deleted", async () => {
  const replica = await aReplica();
  lab.on(
    replica,
    `systemctl stop patroni; mv ${data} ${data}.own; runuser -u postgres -- /usr/lib/postgresql/17/bin/initdb -D ${data} >/dev/null`,
  );
  const foreign = identifier(replica);
  await refused(
    new RegExp(`more than one database system: .*${replica} ${foreign}.*Move the wrong data directory away`),
  );
  assert.equal(identifier(replica), foreign, 'it is still there');
  lab.on(replica, `mv ${data} ${data}.foreign; mv ${data}.own ${data}`);
  assert.equal((await apply()).code, 0);
  await whole();
});

test("PGDATA's mount is missing: neither a boot nor apply takes the empty place for a new member; reinit does, on purpose", async () => {
  const replica = await aReplica();
  lab.on(replica, `systemctl stop patroni; mv ${data} ${data}.unmounted; systemctl start patroni; sleep ${seconds(5)}`);
  assert.notEqual(lab.on(replica, 'systemctl is-active patroni').out, 'active');
  assert.equal(lab.on(replica, `ls -A ${data} 2>/dev/null`).out, '');
  await refused(new RegExp(`${replica}: .* is empty now: is its mount missing\\?.*hapg reinit ${replica}`));
  lab.on(
    replica,
    `systemctl stop patroni; rm -rf ${data}; mv ${data}.unmounted ${data}; systemctl reset-failed patroni`,
  );
  assert.equal((await apply()).code, 0, 'it is mounted again');
  await whole();
  lab.on(replica, `systemctl stop patroni; mv ${data} ${data}.gone`);
  const { code, stderr } = await lab.hapg(['reinit', replica, '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
  await whole();
});

test('a leader without replicas: they are built anew from it', async () => {
  const leader = leaderOf(await lab.healthy(60));
  for (const host of DATABASES.filter((name) => name !== leader)) {
    lab.on(host, `systemctl stop patroni; mv ${data} ${data}.lost; rm -f /var/lib/hapg/data`);
  }
  const { code, stderr } = await apply();
  assert.equal(code, 0, stderr.slice(-3000));
  await whole();
});

test('the DCS is emptied under a running cluster: no database is made anew, and it comes back', async () => {
  const etcdctl = `ETCDCTL_API=3 etcdctl --endpoints=https://10.9.1.10:2379 --cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/server.crt --key=/etc/etcd/pki/server.key`;
  lab.on('db1', `${etcdctl} del --prefix /service/${lab.cluster}`);
  await pause(20);
  for (const host of DATABASES) assert.equal(identifier(host), system, `${host} has the database it had`);
  const repaired = await lab.hapg(['repair', '--yes']);
  assert.equal(repaired.code, 0, repaired.stderr.slice(-2000));
  assert.equal((await apply()).code, 0);
  await whole();
});

/** A copy of hapg with an edited template of sshd's settings. */
function withTemplate(edit: (text: string) => string): string {
  const directory = join(lab.directory, 'package');
  rmSync(directory, { recursive: true, force: true });
  for (const name of ['dist', 'templates', 'package.json']) cpSync(name, join(directory, name), { recursive: true });
  const template = join(directory, 'templates/hardening/sshd.eta');
  writeFileSync(template, edit(readFileSync(template, 'utf8')));
  return join(directory, 'dist/hapg.js');
}

/** Applies a wrong setting of sshd to a host: it is noticed, and SSH works again within 120 s without help. */
async function lockedOut(line: string, ...login: string[]): Promise<void> {
  const before = lab.on('client', 'cat /etc/ssh/sshd_config.d/10-hapg.conf').out;
  const program = withTemplate((text) => `${text}\n${line}\n`);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [program, ...args, '-i', lab.inventory, '-l', 'client', '-t', 'hardening', ...login], {
      encoding: 'utf8',
    });
  const applied = run('apply', '--yes');
  assert.equal(applied.status, 2, applied.stderr);
  assert.match(applied.stderr, /a new login no longer succeeds .* put back within 90 s/s);
  const enter = async () => (await lab.hapg(['plan', '-l', 'client', '-t', 'hardening', ...login])).code !== 4;
  assert.equal(await enter(), false, 'nobody gets in now');
  await until('the way in is back', 120, enter);
  assert.equal(lab.on('client', 'cat /etc/ssh/sshd_config.d/10-hapg.conf').out, before);
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
}

test('sshd would let nobody in: the change is put back by itself', () => lockedOut('DenyUsers root'));

test('the login would no longer become the super user: the change is put back by itself', async () => {
  lab.on(
    'client',
    "useradd -m -s /bin/sh ops; install -d -o ops -g ops -m 0700 /home/ops/.ssh; install -o ops -g ops -m 0600 /root/.ssh/authorized_keys /home/ops/.ssh/; echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops; chmod 0440 /etc/sudoers.d/ops",
  );
  await lockedOut('Match User ops\n  ForceCommand /usr/bin/true', '-u', 'ops');
  lab.on('client', 'rm /etc/sudoers.d/ops; userdel -r ops 2>/dev/null');
});
