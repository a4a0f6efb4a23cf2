/**
 * Proves that a run may be cut off at any moment, by whatever: the next one finishes, no row is lost and nothing stays
 * locked. Takes about 40 minutes.
 */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { before, test } from '../support/group.ts';
import { isFree, leftovers, TestLab, until, Writer } from '../support/lab.ts';
import { seeded } from '../support/random.ts';
import { milliseconds, seconds } from '../support/time.ts';

const lab = new TestLab('pgintr');
const random = seeded();
before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  await lab.findUri();
});
after(() => lab.down());

/** Kills `apply` at a random moment; returns where it was. */
async function killedApply(atLeastMs: number, spanMs: number): Promise<boolean> {
  const run = lab.start(['apply', '--yes']);
  const moment = milliseconds(atLeastMs + random() * spanMs);
  const timer = setTimeout(() => run.kill('SIGKILL'), moment);
  const { code, stderr } = await run.done;
  clearTimeout(timer);
  for (const host of lab.hosts) await until(`${host} is unlocked`, 60, () => isFree(lab, host));
  console.log(
    `${code === null ? 'killed' : `ended with ${code}`} after ${(moment / 1000).toFixed(1)} s at: ${stderr.trim().split('\n').at(-1)}`,
  );
  assert.ok(code === null || code === 0, `it ended by itself with ${code}: ${stderr.slice(-1000)}`);
  return code === 0;
}

async function converged(): Promise<void> {
  const { code, stdout, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, `${stderr.slice(-3000)}${stdout.slice(-1000)}`);
  await lab.healthy(60);
  for (const host of lab.hosts) await until(`${host} is unlocked`, 60, () => isFree(lab, host));
  assert.deepEqual(leftovers(lab), {});
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
}

test('a first apply is killed at twenty random moments, and then finishes', async () => {
  for (let turn = 0; turn < 20; turn++) if (await killedApply(1500, 14_000)) break;
  await converged();
  const identifiers = new Set(
    ['db1', 'db2', 'db3'].map(
      (host) =>
        lab.on(
          host,
          `/usr/lib/postgresql/17/bin/pg_controldata -D /var/lib/postgresql/17/${lab.cluster} | grep identifier`,
        ).out,
    ),
  );
  assert.equal(identifiers.size, 1, 'one database, made once');
});

test('a changing apply is killed at twenty random moments under load: handlers still run, no row is lost', async () => {
  const writer = new Writer(lab);
  writer.start(900);
  for (let turn = 0; turn < 20; turn++) {
    lab.write((text) =>
      text.replace('max_connections: 100', `max_connections: ${110 + turn}\n    work_mem: ${4 + turn}MB`),
    );
    await killedApply(1000, 20_000);
  }
  await converged();
  const result = writer.stop();
  console.log(`killed while changing: ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  for (const host of ['db1', 'db2', 'db3'])
    assert.equal(lab.on(host, "runuser -u postgres -- psql -XAtc 'show work_mem'").out, '23MB', host);
});

test('the link to a host is cut in the middle, with nobody told: the run ends by itself, the next one finishes', async () => {
  assert.equal(lab.on('proxy2', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart').code, 0);
  const run = lab.start(['apply', '--yes', '-l', 'proxy2']);
  await until(
    'packages are being installed',
    30,
    () => lab.on('proxy2', 'systemctl is-active hapg-packages').out === 'active',
  );
  lab.on('proxy2', 'iptables -I INPUT -p tcp --dport 22 -j DROP; iptables -I OUTPUT -p tcp --sport 22 -j DROP');
  const { code } = await run.done;
  assert.notEqual(code, 0);
  lab.on('proxy2', 'iptables -D INPUT -p tcp --dport 22 -j DROP; iptables -D OUTPUT -p tcp --sport 22 -j DROP');
  await until('the dead session has given its lock up', 90, () => isFree(lab, 'proxy2'));
  await converged();
});

test('a host is rebooted in the middle: the next run finishes', async () => {
  assert.equal(lab.on('proxy2', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart').code, 0);
  const run = lab.start(['apply', '--yes', '-l', 'proxy2']);
  await until(
    'packages are being installed',
    30,
    () => lab.on('proxy2', 'systemctl is-active hapg-packages').out === 'active',
  );
  lab.on('proxy2', 'systemctl reboot');
  assert.notEqual((await run.done).code, 0);
  await until('it is back', 60, () => lab.on('proxy2', 'systemctl is-active ssh').out === 'active');
  await converged();
});

test('dpkg is killed half-way: the next run mends it', async () => {
  assert.equal(
    lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart libpam-tmpdir').code,
    0,
  );
  const run = lab.start(['apply', '--yes', '-l', 'client']);
  await until('dpkg works', 60, () => lab.on('client', 'pgrep -x dpkg').code === 0);
  lab.on('client', 'pkill -KILL -x dpkg; pkill -KILL -x apt-get');
  assert.equal((await run.done).code, 2);
  await converged();
});

/** perl that holds dpkg's lock as another package manager does (fcntl(2), struct flock of 64-bit Linux), for 20 seconds. */
const HOLD = `perl -MFcntl -e 'open(F, "+>>", "/var/lib/dpkg/lock-frontend") or die; $l = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLKW, $l) or die; sleep ${seconds(20)}'`;

test("another package manager holds dpkg's lock: the run waits for it", async () => {
  assert.equal(lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums').code, 0);
  lab.docker('exec', '-d', `${lab.cluster}-client`, 'sh', '-c', HOLD);
  await until('it is held', 10, () => lab.on('client', 'pgrep -x perl').code === 0);
  const { code, ms, stderr } = await lab.hapg(['apply', '--yes', '-l', 'client']);
  assert.equal(code, 0, stderr.slice(-2000));
  assert.ok(ms > milliseconds(10_000), `${ms} ms: it was not waited for`);
  await converged();
});

test('the mirror is down: said so, and when it is back the next run finishes', async () => {
  assert.equal(lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums; apt-get clean').code, 0);
  lab.on(
    'client',
    'sed -n \'s|^URIs: [a-z]*://\\([^/]*\\).*|\\1|p; s|^deb [a-z]*://\\([^/ ]*\\).*|\\1|p\' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | sort -u | while read -r h; do echo "127.0.0.1 $h # mirror is down" >> /etc/hosts; done',
  );
  const { code, stderr } = await lab.hapg(['apply', '--yes', '-l', 'client']);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /client: FAILED packages hardening:/);
  lab.on('client', "grep -v 'mirror is down' /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts");
  await converged();
});
