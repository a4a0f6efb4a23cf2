import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { settleAll } from '../../src/engine/pool.ts';
import { isEncrypted } from '../../src/transport/auth.ts';
import { fingerprint, KnownHosts, keyType } from '../../src/transport/known-hosts.ts';
import { opensshConfig } from '../../src/transport/openssh.ts';
import { parsedSshConfig } from '../../src/transport/ssh-config.ts';
import { resolveTarget } from '../../src/transport/target.ts';
import { labCluster } from './model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-ssh-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A public key blob of a type (RFC 4253, 6.6) with some body. */
function blob(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.from(body)]);
}
const key = blob('ssh-ed25519', 'one');
const other = blob('ssh-ed25519', 'two');
const line = (names: string, k = key) => `${names} ${keyType(k)} ${k.toString('base64')}\n`;

const salt = Buffer.alloc(20, 7);
const hashed = `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update('db1').digest('base64')}`;

const KNOWN: [what: string, text: string, host: string, port: number, verdict: string][] = [
  ['a plain name', line('db1'), 'db1', 22, 'ok'],
  ['one of several names', line('db0,db1'), 'db1', 22, 'ok'],
  ['a hashed name', line(hashed), 'db1', 22, 'ok'],
  ['a wildcard', line('db?'), 'db1', 22, 'ok'],
  ['a wildcard with an exception', line('*,!db1'), 'db1', 22, 'unknown'],
  ['another port', line('[db1]:2222'), 'db1', 2222, 'ok'],
  ['the plain name on another port', line('db1'), 'db1', 2222, 'ok'],
  ['another key of the plain name on another port', line('db1', other), 'db1', 2222, 'unknown'],
  ['another key of the port beside the plain name', line('[db1]:2222', other) + line('db1'), 'db1', 2222, 'mismatch'],
  ['nothing', '# db1\n\n', 'db1', 22, 'unknown'],
  ['another key of the same type', line('db1', other), 'db1', 22, 'mismatch'],
  ['another key beside the right one', line('db1', other) + line('db1'), 'db1', 22, 'ok'],
  ['only a key of another type', line('db1', blob('ssh-rsa', 'x')), 'db1', 22, 'mismatch'],
  ['a revoked key', `${line('db1')}@revoked ${line('*')}`, 'db1', 22, 'mismatch'],
  ['a certificate authority only', `@cert-authority ${line('*')}`, 'db1', 22, 'unknown'],
];
for (const [what, text, host, port, expected] of KNOWN)
  test(`known_hosts with ${what}: ${expected}`, () => {
    const verdict = KnownHosts.parse(text).verify(host, port, key);
    assert.equal(verdict.ok ? 'ok' : verdict.kind, expected);
  });

test('fingerprints are written as ssh-keygen writes them', () => {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, 'id')]);
  const publicKey = Buffer.from(readFileSync(join(root, 'id.pub'), 'utf8').split(' ')[1]!, 'base64');
  assert.ok(
    execFileSync('ssh-keygen', ['-l', '-f', join(root, 'id.pub')])
      .toString()
      .includes(fingerprint(publicKey)),
  );
});

test('an encrypted key is told from an open one', () => {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'long passphrase', '-f', join(root, 'locked')]);
  assert.equal(isEncrypted(readFileSync(join(root, 'id'))), false);
  assert.equal(isEncrypted(readFileSync(join(root, 'locked'))), true);
});

const CONFIG = `Host bastion
  HostName 192.0.2.1
  User jump
  Port 2200
Host 10.1.1.*
  User operator
  ProxyJump bastion
Host *
  Port 2022
`;

test('~/.ssh/config is honoured as ssh itself does (ssh -G)', async () => {
  const file = join(root, 'config');
  writeFileSync(file, CONFIG);
  const cluster = labCluster(
    ['  user: root\n', ''],
    ['db1:    {address: 10.1.1.10, ssh: {host: 127.0.0.1, port: 3001}', 'db1:    {address: 10.1.1.10'],
  );
  for (const alias of ['10.1.1.10', 'bastion']) {
    const oracle = new Map(
      spawnSync('ssh', ['-G', '-F', file, alias], { encoding: 'utf8' })
        .stdout.split('\n')
        .map((one): [string, string] => [one.split(' ')[0]!, one.split(' ').slice(1).join(' ')]),
    );
    const host = { ...cluster.hosts[0]!, address: alias, ssh: {} };
    const target = await resolveTarget(cluster, host, {}, parsedSshConfig(CONFIG));
    assert.equal(target.host, oracle.get('hostname'));
    assert.equal(String(target.port), oracle.get('port'));
    assert.equal(target.user, oracle.get('user'));
    assert.equal(target.jumps.length, oracle.get('proxyjump') ? 1 : 0);
  }
});

test('flags win over the host, the host over the inventory, the inventory over ~/.ssh/config', async () => {
  const cluster = labCluster();
  const target = await resolveTarget(cluster, cluster.hosts[0]!, {}, parsedSshConfig(CONFIG));
  assert.equal(`${target.user}@${target.host}:${target.port}`, 'root@127.0.0.1:3001');
  const flagged = await resolveTarget(cluster, cluster.hosts[0]!, { user: 'me' }, parsedSshConfig(''));
  assert.equal(flagged.user, 'me');
});

test('a jump host is a host of the inventory, or user@name:port', async () => {
  const cluster = labCluster();
  const through = async (jump: string) => {
    const host = { ...cluster.hosts[0]!, ssh: { jump } };
    const { jumps } = await resolveTarget(cluster, host, {}, parsedSshConfig(''));
    return jumps.map(({ user, host, port }) => `${user}@${host}:${port}`);
  };
  assert.deepEqual(await through('proxy1'), ['root@127.0.0.1:3005']);
  assert.deepEqual(await through('a@gate:99,b@[fd00::1]:22'), ['a@gate:99', 'b@fd00::1:22']);
  assert.deepEqual(await through('ssh://a@gate:99/,ssh://jane@corp.example.com@[fd00::1]'), [
    'a@gate:99',
    'jane@corp.example.com@fd00::1:22',
  ]);
});

test('an OpenSSH client gets the same keys, known hosts and jump hosts', async () => {
  const cluster = labCluster(['ssh: {host: 127.0.0.1, port: 3001}', 'ssh: {host: 127.0.0.1, port: 3001, jump: db2}']);
  const text = opensshConfig(await resolveTarget(cluster, cluster.hosts[0]!, {}, parsedSshConfig('')));
  const file = join(root, 'openssh');
  writeFileSync(file, text);
  const seen = spawnSync('ssh', ['-G', '-F', file, '127.0.0.1'], { encoding: 'utf8' });
  assert.equal(seen.status, 0, seen.stderr);
  for (const line of [
    'hostname 127.0.0.1',
    'port 3001',
    'user root',
    'proxyjump hapg-jump-0',
    'stricthostkeychecking true',
  ])
    assert.ok(seen.stdout.split('\n').includes(line), `${line}\n${seen.stdout}`);
  assert.match(spawnSync('ssh', ['-G', '-F', file, 'hapg-jump-0'], { encoding: 'utf8' }).stdout, /^port 3002$/m);
});

test('no more hosts are worked on at once than --forks says, and every one of them is heard', async () => {
  let [now, most] = [0, 0];
  const results = await settleAll([...Array(50).keys()], 7, async (item) => {
    most = Math.max(most, ++now);
    await new Promise((done) => setTimeout(done, item % 3));
    now--;
    if (item % 10 === 0) throw new Error(`host ${item}`);
    return item;
  });
  assert.equal(most, 7);
  assert.equal(results.filter((one) => one.status === 'rejected').length, 5);
  assert.deepEqual(
    results.flatMap((one, index) => (one.status === 'fulfilled' && one.value !== index ? [index] : [])),
    [],
    'in their order',
  );
});
