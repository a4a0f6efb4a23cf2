/**
 * Proves that the files of a release work in a bare Debian 13 without Node and without network: the executable, Debian's
 * package with its man pages and completion, and a login with a key that the OpenSSH client asks about. Then the program of
 * Debian's package makes the demo's cluster on the lab. Takes about 6 minutes.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { docker, ensureDocker } from '../../src/lab/docker/engine.ts';
import { ensureImage } from '../../src/lab/docker/image.ts';
import { debName } from '../../tools/release/deb.ts';
import { before, test } from '../support/group.ts';

const CONTAINER = `hapg-release-${process.pid}`;
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const EXECUTABLE = `hapg-${version}-linux-${process.arch}`;
const DEB = debName(version);

/** One host, which is the container itself, and one that is nowhere (RFC 5737). */
const ONE = `cluster: one
ssh: {user: root, key: /root/key, transport: openssh}
postgres: {version: "17"}
clients: [10.9.8.0/24]
hosts:
  db1: {address: 10.9.8.10, ssh: {host: 127.0.0.1}, roles: [etcd, patroni]}
`;
const FAR = ONE.replace('127.0.0.1', '192.0.2.1').replace(', transport: openssh', '');

/** Runs sh in the container. */
function on(script: string, env: Record<string, string> = {}): { code: number; out: string; err: string } {
  const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const words = ['exec', '-i', '-w', '/root', ...variables, CONTAINER, 'sh', '-s'];
  const { status, stdout, stderr } = spawnSync('docker', words, { input: script, encoding: 'utf8' });
  return { code: status ?? -1, out: stdout.trim(), err: stderr };
}

/** Runs sh in the container, which must succeed; returns what it printed. */
function said(script: string, env?: Record<string, string>): string {
  const { code, out, err } = on(script, env);
  assert.equal(code, 0, `${script}: ${err.slice(-2000)}`);
  return out;
}

/** What the program does everywhere, whatever form it has. */
function works(hapg: string): void {
  assert.equal(said(`${hapg} --version`), version);
  assert.match(said(`${hapg} validate -i one.yaml 2>&1`), /one\.yaml: cluster one, 1 host, /);
  said(`rm -f new.yaml && ${hapg} init new.yaml --databases 10.0.0.1,10.0.0.2,10.0.0.3 --backup 10.0.0.4`);
  assert.match(said(`${hapg} render rendered -i new.yaml && cat rendered/db1/etc/patroni/*.yml`), /scope: /);
  assert.equal(JSON.parse(said(`${hapg} schema`)).type, 'object');
  assert.match(said(`${hapg} explain no_leader`), /no_leader/);
}

before(async () => {
  const say = (text: string) => console.log(text);
  await ensureDocker(say);
  const image = await ensureImage(say);
  execFileSync('npm', ['run', '-s', 'release'], { stdio: ['ignore', 'ignore', 'inherit'] });
  await docker('run', '-d', '--name', CONTAINER, '--network', 'none', '--entrypoint', 'sleep', image, 'infinity');
  await docker('cp', 'release/.', `${CONTAINER}:/release`);
  const directory = mkdtempSync(join(tmpdir(), 'hapg-release-'));
  for (const [name, text] of Object.entries({ 'one.yaml': ONE, 'far.yaml': FAR }))
    writeFileSync(join(directory, name), text);
  await docker('cp', `${directory}/.`, `${CONTAINER}:/root`);
  rmSync(directory, { recursive: true });
});
after(() => docker('rm', '-f', CONTAINER).catch(() => undefined));

test('a release has four files, the machine has no Node, and the sums are right', () => {
  assert.deepEqual(readdirSync('release').sort(), ['SHA256SUMS', EXECUTABLE, `hapg-${version}.tgz`, DEB]);
  assert.equal(on('command -v node nodejs').out, '');
  said('cd /release && sha256sum --check --strict --quiet SHA256SUMS');
});

test('the executable works by itself, writes nothing beside its results, and brings its documents', () => {
  const hapg = `/release/${EXECUTABLE}`;
  works(hapg);
  assert.equal(said('ls -A /root/.cache /tmp 2>/dev/null | grep hapg || true'), '');
  said(`${hapg} __unpack /root/inside`);
  assert.equal(
    said('head -c 3 /root/inside/dist/man/hapg-apply.1; wc -l < /root/inside/docs/status.md').slice(0, 3),
    '.TH',
  );
  said('cd /root/inside && test -s NODE-LICENSE.txt && test -s dist/THIRD-PARTY-LICENSES.txt && test -s LICENSE');
});

test("Debian's package is installed with apt, works, and is removed without a trace", () => {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  said(`apt-get -q -y --no-install-recommends install /release/${DEB}`, env);
  assert.equal(said('command -v hapg'), '/usr/bin/hapg');
  works('hapg');
  for (const page of ['hapg', 'hapg-apply']) assert.match(said(`zcat /usr/share/man/man1/${page}.1.gz`), /^\.TH HAPG/);
  said('test -s /usr/share/doc/hapg/copyright && test -s /usr/share/doc/hapg/docs/operations.md');
  assert.equal(
    said(`bash -c '. /usr/share/bash-completion/completions/hapg && complete -p hapg'`),
    'complete -F _hapg hapg',
  );
  assert.match(said(`hapg __complete val`), /^validate\t/);
  said('dpkg --verify hapg');
  said('apt-get -q -y purge hapg', env);
  assert.equal(said('find /usr /etc /var/lib -name "*hapg*" | grep -v "^/var/lib/dpkg" || true'), '');
});

test('the OpenSSH client asks the executable for a passphrase, for which there is no node to answer', () => {
  said(`ln -sf /release/${EXECUTABLE} /usr/local/bin/hapg
mkdir -p /run/sshd .ssh && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key && /usr/sbin/sshd
ssh-keygen -q -t ed25519 -N 'open sesame' -f key && cp key.pub .ssh/authorized_keys
hapg trust -i one.yaml --yes`);
  const right = on('hapg ping -i one.yaml', { HAPG_KEY_PASSPHRASE: 'open sesame' });
  assert.equal(right.code, 0, right.err);
  assert.match(right.out, /^db1 .* yes +Debian GNU\/Linux 13/m);
  assert.equal(on('hapg ping -i one.yaml', { HAPG_KEY_PASSPHRASE: 'wrong' }).code, 4);
});

test('a host that cannot be reached is said to be so', () => {
  const env = { HAPG_KEY_PASSPHRASE: 'open sesame' };
  const ping = on('hapg ping -i far.yaml', env);
  assert.equal(ping.code, 4, ping.err);
  const doctor = on('hapg doctor -i far.yaml', env);
  assert.equal(doctor.code, 1, 'the hosts are not fit');
  assert.match(doctor.out, /failure +login +db1 +root@192\.0\.2\.1:22: /);
});

test("the program of Debian's package does the demo, with an inventory of its own documents", () => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-demo-'));
  const run = (command: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, HAPG: join(directory, 'usr/bin/hapg'), HAPG_INVENTORY: join(directory, 'lab.yaml') },
    });
    assert.equal(status, 0, `${command} ${args.join(' ')}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
    return stdout;
  };
  try {
    run('dpkg-deb', '-x', `release/${DEB}`, directory);
    cpSync(join(directory, 'usr/share/doc/hapg/inventory/lab.yaml'), join(directory, 'lab.yaml'));
    const shown = run('bash', 'test/demo');
    assert.match(shown, /^written: 1 on 10\.1\.1\.1\d$/m);
    assert.match(shown, /^read: {4}1 on 10\.1\.1\.1\d \(a replica\)$/m);
    assert.match(shown, /number of transactions actually processed: [1-9]/);
  } finally {
    run(join(directory, 'usr/bin/hapg'), 'lab', 'down', '-i', join(directory, 'lab.yaml'));
    rmSync(directory, { recursive: true, force: true });
  }
});
