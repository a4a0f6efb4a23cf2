/**
 * Proves that vagrant/Vagrantfile brings up a machine from the box that vagrant/make-box makes, and that hapg reaches it.
 * Installs Debian's vagrant and libvirt. Takes about 10 minutes.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { apt } from '../../src/lab/programs.ts';
import { before, test } from '../support/group.ts';
import { until } from '../support/lab.ts';

const directory = mkdtempSync(join(tmpdir(), 'hapg-vagrant-'));
const inventory = join(directory, 'one.yaml');
const env = {
  ...process.env,
  HAPG_INVENTORY: inventory,
  HAPG_BOX: 'hapg-trixie',
  VAGRANT_CWD: resolve('vagrant'),
  VAGRANT_DOTFILE_PATH: join(directory, '.vagrant'),
  SSH_AUTH_SOCK: '',
};
const daemons: ChildProcess[] = [];

/** What libvirt needs on a machine without systemd and control groups of its own. */
const WITHOUT_INIT =
  'user = "root"\ngroup = "root"\nsecurity_driver = "none"\nremember_owner = 0\ncgroup_controllers = []\nnamespaces = []\n';

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return stdout;
}
const hapg = (...args: string[]) =>
  spawnSync(process.execPath, [resolve('dist/hapg.js'), ...args, '-i', inventory], { env, encoding: 'utf8' });

before(async () => {
  await apt('vagrant', 'vagrant-libvirt', 'libvirt-daemon-system', 'libvirt-clients', 'dnsmasq-base', 'openssh-client');
  if (existsSync('/run/systemd/system')) execFileSync('systemctl', ['start', 'libvirtd']);
  else {
    if (!readFileSync('/etc/libvirt/qemu.conf', 'utf8').includes(WITHOUT_INIT))
      appendFileSync('/etc/libvirt/qemu.conf', WITHOUT_INIT);
    for (const program of ['virtlogd', 'libvirtd']) daemons.push(spawn(program, [], { stdio: 'ignore' }));
  }
  await until('libvirt answers', 30, () => spawnSync('virsh', ['-c', 'qemu:///system', 'version']).status === 0);
  writeFileSync(
    inventory,
    `cluster: pgone
ssh: {user: root, key: ./.hapg/pgone/lab_ed25519}
postgres: {version: "17"}
clients: [10.9.8.0/24]
hosts:
  db1: {address: 10.9.8.10, ssh: {host: 127.0.0.1, port: 3071}, roles: [etcd, patroni]}
`,
  );
});

after(() => {
  spawnSync('vagrant', ['destroy', '-f'], { env });
  for (const network of ['vagrant-libvirt', 'vagrant0'])
    for (const verb of ['net-destroy', 'net-undefine']) spawnSync('virsh', ['-c', 'qemu:///system', verb, network]);
  for (const daemon of daemons) daemon.kill();
  rmSync(directory, { recursive: true, force: true });
});

test('make-box makes a box from Debian packages, and Vagrant takes it', () => {
  run(resolve('vagrant/make-box'));
  assert.match(run('vagrant', 'box', 'list'), /^hapg-trixie +\(libvirt, 0\)$/m);
});

test('a machine comes up from it with its name and address, and hapg reaches it at the port of the inventory', () => {
  const started = Date.now();
  run('vagrant', 'up', '--provider', 'libvirt');
  console.log(`vagrant up: ${Math.round((Date.now() - started) / 1000)} s`);
  assert.equal(hapg('trust', '--yes').status, 0);
  const { status, stdout, stderr } = hapg('ssh', 'db1', '--', 'hostname; ip -o -4 addr show eth1');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^db1\n.* 10\.9\.8\.10\/24 /);
});

test('the machine is fit for a cluster', () => {
  const { status, stdout, stderr } = hapg('doctor');
  assert.equal(status, 0, stdout + stderr);
});
