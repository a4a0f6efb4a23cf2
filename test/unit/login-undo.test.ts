import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { apply } from '../../playbooks/apply.ts';
import { hardening, hardeningPackages, hardeningServices } from '../../roles/hardening/hardening.ts';
import { kernelSettings } from '../../roles/hardening/kernel.ts';
import { armLoginUndo } from '../../src/engine/login-undo.ts';
import { allSteps } from '../../src/engine/plan.ts';
import type { Host } from '../../src/inventory/model.ts';
import { type Facts, FORWARDS_SCRIPT, parseFacts } from '../../src/observe/host.ts';
import { PATHS } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import type { FileWant } from '../../src/steps/file.ts';
import type { Remote, Step } from '../../src/steps/step.ts';
import { contextFor, FACTS, healthyLab, labCluster } from './model.ts';
import { sh } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-guard-'));
after(() => rmSync(root, { recursive: true, force: true }));

const cluster = labCluster();
const base = await contextFor(cluster);
const db1 = cluster.hosts.find(({ name }) => name === 'db1')!;
/** A context in which every host has other facts than usual. */
const seeing = (facts: Partial<Facts>, context = base): Context => ({
  ...context,
  facts: () => ({ ...FACTS, ...facts }),
});
const without = (host: Host, role: 'ufw'): Host => ({
  ...host,
  roles: new Set([...host.roles].filter((one) => one !== role)),
});

/** A host in a directory: a kernel that keeps its settings in files, and as Linux does turns redirects on with forwarding off. */
function machine(before: Record<string, string>) {
  const home = mkdtempSync(join(root, 'host-'));
  const path = join(home, 'bin');
  for (const directory of ['bin', 'sys', 'units', 'sysctl.d', 'state']) mkdirSync(join(home, directory));
  for (const [key, value] of Object.entries(before)) writeFileSync(join(home, 'sys', key), `${value}\n`);
  const programs = {
    systemctl: 'exit 0',
    logger: 'exit 0',
    sysctl: `case "$1" in
-n) cat "${home}/sys/$2" ;;
-q) set -- "$3"; printf '%s\\n' "\${1#*=}" > "${home}/sys/\${1%%=*}"
  case "$1" in
    net.ipv4.ip_forward=0) echo 1 > ${home}/sys/net.ipv4.conf.all.accept_redirects ;;
    net.ipv4.ip_forward=1) echo 0 > ${home}/sys/net.ipv4.conf.all.accept_redirects ;;
  esac ;;
*) exit 9 ;;
esac`,
  };
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(path, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const here = (script: string) =>
    script
      .replaceAll(PATHS.state, join(home, 'state'))
      .replaceAll('/etc/systemd/system', join(home, 'units'))
      .replaceAll('/etc/sysctl.d', join(home, 'sysctl.d'));
  const run = (script: string): string => {
    const { code, out } = sh(here(script), { path });
    assert.equal(code, 0, out);
    return out;
  };
  const remote: Remote = {
    host: db1,
    run: async (script) => run(script),
    unit: async () => assert.fail('nothing guarded runs as a unit'),
    handingOver: (_to, work) => work(),
    doing: () => undefined,
  };
  const value = (key: string) => readFileSync(join(home, 'sys', key), 'utf8').trim();
  return { home, run, remote, value };
}

/** The steps of the kernel's network, with the file that keeps them. */
const network = (context: Context, host = db1): Step[] =>
  hardening(host, context).filter(({ id }) => /^sysctl net\.|^file \/etc\/sysctl\.d/.test(id));

test('every setting of the network is guarded and has an undo that puts back what was there before, on the disk too', async () => {
  const steps = network(base, without(db1, 'ufw'));
  const keys = steps.filter(({ kind }) => kind.name === 'sysctl').map(({ want }) => (want as { key: string }).key);
  assert.ok(keys.length > 10);
  // Whatever stood there, values of several words too, and another than hapg's in every place.
  const before = Object.fromEntries(keys.map((key) => [key, key.endsWith('ip_forward') ? '1' : `7\t8`]));
  for (const kept of ['old = 1\n', undefined]) {
    const { home, run, remote, value } = machine(before);
    const file = join(home, 'sysctl.d', '60-hapg.conf');
    if (kept) writeFileSync(file, kept);
    for (const one of steps) {
      assert.ok(one.guarded, one.id);
      assert.ok(one.kind.undo && one.kind.save, one.id);
    }
    run(armLoginUndo(steps));
    for (const one of steps.filter(({ kind }) => kind.name === 'sysctl')) await one.kind.change(one, undefined, remote);
    writeFileSync(file, 'new = 2\n');
    for (const { kind, want } of steps) if (kind.name === 'sysctl') assert.equal(value(want.key), want.value);
    run(`sh ${PATHS.loginUndo}/undo.sh`);
    for (const key of keys) assert.equal(value(key), before[key], key);
    assert.equal(run(`cat /etc/sysctl.d/60-hapg.conf 2>/dev/null || true`), kept ?? '');
    assert.equal(run(`ls ${PATHS.undo}`).trim(), '', 'an undo runs once');
  }
});

test('with forwarding off redirects stay off, which the kernel would turn on again', async () => {
  const steps = network(base);
  const before = Object.fromEntries(
    steps.filter(({ kind }) => kind.name === 'sysctl').map(({ want }) => [(want as { key: string }).key, '0']),
  );
  const { remote, value } = machine({ ...before, 'net.ipv4.ip_forward': '1' });
  const forwarding = steps.find(({ id }) => id === 'sysctl net.ipv4.ip_forward')!;
  await forwarding.kind.change(forwarding, '1', remote);
  assert.equal(value('net.ipv4.ip_forward'), '0');
  assert.equal(value('net.ipv4.conf.all.accept_redirects'), '0');
});

test('no stage holds a guarded step together with one that runs apt, starts a service, or waits for something', async () => {
  const quick = ['file', 'directory', 'sysctl', 'option', 'account', 'firewall', 'sshd-in-effect'];
  for (const made of [cluster, labCluster(['version: "17"', 'version: "17"\n  repository: pgdg'])])
    for (const context of [await contextFor(made), await contextFor(made, healthyLab())])
      for (const host of made.hosts)
        for (const { stage, steps } of allSteps(apply, host, context, {
          hosts: made.hosts,
          roles: new Set(ROLE_NAMES),
        }))
          if (steps.some(({ guarded }) => guarded))
            for (const { kind, id } of steps)
              assert.ok(quick.includes(kind.name), `${host.name}, ${stage.name}: ${id}`);
});

test('reverse paths are filtered loosely, so that a host with two networks stays in reach over both', () => {
  const { applied } = kernelSettings(db1, base);
  assert.deepEqual(
    applied.filter(({ key }) => key.endsWith('rp_filter')).map(({ value }) => value),
    ['2', '2'],
  );
});

test('forwarding is left as it is where something forwards for others, and so in the file that a boot reads', () => {
  const context = seeing({ forwards: 'docker0' });
  const steps = hardening(db1, context);
  assert.equal(steps.find(({ id }) => id === 'sysctl net.ipv4.ip_forward')?.notApplicable, 'docker0 forwards here');
  const file = steps.find(({ id }) => id === 'file /etc/sysctl.d/60-hapg.conf')!.want as FileWant;
  assert.doesNotMatch(String(file.content), /ip_forward/);
  assert.match(
    String((hardening(db1, base).find(({ id }) => id === 'file /etc/sysctl.d/60-hapg.conf')!.want as FileWant).content),
    /^net\.ipv4\.ip_forward = 0$/m,
  );
});

test('what ufw sets at every start is left to it, so that a reload of ufw is no drift', () => {
  const keys = (host: Host) => kernelSettings(host, base).applied.map(({ key }) => key);
  assert.ok(!keys(db1).some((key) => key.endsWith('log_martians')));
  assert.ok(keys(without(db1, 'ufw')).some((key) => key.endsWith('log_martians')));
});

/** Makes files and directories below a root, and asks there what forwards. */
function forwards(...there: [path: string, content?: string][]): string | undefined {
  const home = mkdtempSync(join(root, 'forwards-'));
  mkdirSync(join(home, 'sys/class/net/lo'), { recursive: true });
  for (const [path, content] of there) {
    mkdirSync(join(home, content === undefined ? path : path.replace(/\/[^/]*$/, '')), { recursive: true });
    if (content !== undefined) writeFileSync(join(home, path), content);
  }
  const script = FORWARDS_SCRIPT.replaceAll(/(?<=[ "])(?=\/(sys|etc|var|usr|run)\/)/g, home);
  const { out } = sh(script);
  return parseFacts(`id=debian\nmemory=1\n${out}`).forwards?.replace(home, '');
}
const FORWARDERS: [what: string, there: [path: string, content?: string][], name: string | undefined][] = [
  ['an ordinary host', [['sys/class/net/eth0']], undefined],
  ['a bridge of whatever name', [['sys/class/net/br-7f3a/bridge']], 'br-7f3a'],
  ['a tunnel', [['sys/class/net/tun0/tun_flags', '0x1001']], 'tun0'],
  ['WireGuard', [['sys/class/net/wg0']], 'wg0'],
  ['pods of Kubernetes', [['sys/class/net/cali9f2']], 'cali9f2'],
  ['Docker that does not run', [['etc/docker'], ['var/lib/docker']], '/etc/docker'],
  ['a WireGuard that is down', [['etc/wireguard/wg0.conf', '[Interface]\n']], '/etc/wireguard/wg0.conf'],
  [
    'a router by decision',
    [['etc/sysctl.d/99-router.conf', '# x\n net.ipv4.ip_forward = 1']],
    '/etc/sysctl.d/99-router.conf',
  ],
  ['another spelling of it', [['etc/sysctl.conf', '-net/ipv4/conf/all/forwarding=1\n']], '/etc/sysctl.conf'],
  ['a setting that is commented out', [['etc/sysctl.conf', '#net.ipv4.ip_forward=1\n']], undefined],
  [
    'a router of a package',
    [['usr/lib/sysctl.d/50-vendor.conf', 'net.ipv4.conf.eth0.forwarding=1\n']],
    '/usr/lib/sysctl.d/50-vendor.conf',
  ],
  [
    'systemd-networkd',
    [['etc/systemd/network/lan.network', '[Network]\nIPMasquerade=both\n']],
    '/etc/systemd/network/lan.network',
  ],
  [
    'networkd without it',
    [['etc/systemd/network/lan.network', '[Network]\nIPMasquerade=no\nIPForward=no\n']],
    undefined,
  ],
  [
    'nftables',
    [['etc/nftables.conf', 'table ip nat {\n  chain post {\n    oifname "eth0" masquerade\n  }\n}\n']],
    '/etc/nftables.conf',
  ],
  ['nftables without it', [['etc/nftables.conf', '# masquerade\ntable inet filter {\n}\n']], undefined],
  ['a GRE tunnel', [['sys/class/net/gre1']], 'gre1'],
  ["hapg's own file", [['etc/sysctl.d/60-hapg.conf', 'net.ipv4.ip_forward = 0\n']], undefined],
];
for (const [what, there, name] of FORWARDERS)
  test(`what forwards for others: ${what}`, () => {
    assert.equal(forwards(...there), name);
  });

const sshd = (host: Host, context: Context): string =>
  String((hardening(host, context).find(({ id }) => id.endsWith('10-hapg.conf'))!.want as FileWant).content);
const note = (host: Host, context: Context) =>
  hardening(host, context).find(({ id }) => id.endsWith('10-hapg.conf'))!.note;
const forwardsTcp = (host: Host, context: Context) => /^AllowTcpForwarding (.*)$/m.exec(sshd(host, context))![1];

test('sshd forwards where others are reached through a host: in this run, by the inventory, or since an earlier run', () => {
  assert.equal(forwardsTcp(db1, base), 'no');
  assert.equal(forwardsTcp(db1, { ...base, jumpHosts: new Set(['db1']) }), 'yes');
  assert.equal(forwardsTcp({ ...db1, jumpHost: true }, base), 'yes');
  assert.equal(forwardsTcp(db1, seeing({ sshForwards: 'granted' })), 'yes', 'another operator may go this way');
  assert.equal(forwardsTcp({ ...db1, jumpHost: false }, seeing({ sshForwards: 'granted' })), 'no');
  assert.equal(forwardsTcp(db1, seeing({ sshForwards: 'yes' })), 'no');
});

test('a plan tells what sshd does for others now and no longer will, and nothing else', () => {
  const told = (facts: Partial<Facts>, host = db1) =>
    note(host, seeing({ sshForwards: 'no', sshPasswords: false, sshRoot: false, ...facts }));
  assert.equal(told({}), undefined);
  assert.match(told({ sshForwards: 'yes' })!, /^sshd will no longer forward TCP \(jump_host: true/);
  assert.equal(note(db1, { ...seeing({ sshForwards: 'yes' }), jumpHosts: new Set(['db1']) }), undefined);
  assert.equal(told({ sshPasswords: true }), 'sshd will no longer take passwords');
  assert.equal(told({ sshRoot: true }), undefined, 'root logs in here');
  const operator = { ...db1, ssh: { ...db1.ssh, user: 'operator' } };
  assert.equal(
    told({ sshRoot: true, sshPasswords: true }, operator),
    'sshd will no longer take passwords, nor let root log in (the inventory logs in as operator)',
  );
});

test('what sshd forwards is read from its own answer, and what hapg granted from its file', () => {
  const facts = (lines: string) => parseFacts(`id=debian\nmemory=1\n${lines}`).sshForwards;
  assert.equal(facts('sshforwards=yes'), 'yes');
  assert.equal(facts('sshforwards=no'), 'no');
  assert.equal(facts('sshforwards=yes\ngranted=yes'), 'granted');
  assert.equal(facts('sshforwards=no\ngranted=no'), 'no');
  const { sshPasswords, sshRoot } = parseFacts('id=debian\nmemory=1\nsshpasswords=yes\nsshroot=without-password');
  assert.deepEqual([sshPasswords, sshRoot], [true, true]);
});

test('a host that is known by one sound type of key only, or by its certificate, goes on showing it', () => {
  const shown = /^HostKeyAlgorithms (.*)$/m.exec(sshd(db1, base))![1]!.split(',');
  for (const type of [
    'ssh-ed25519',
    'rsa-sha2-512',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
  ])
    for (const name of [type, `${type}-cert-v01@openssh.com`]) assert.ok(shown.includes(name), name);
  assert.equal(shown[0], 'ssh-ed25519');
  assert.ok(!shown.includes('ssh-rsa'));
});

const CLOCKS: [lines: string, installs: boolean, unit: string][] = [
  ['', true, 'chrony.service'],
  ['version=systemd-timesyncd 257.8-1 installed', false, 'systemd-timesyncd.service'],
  ['version=ntpsec 1.2.3 installed', false, 'ntpsec.service'],
  ['version=openntpd 6.2 installed', false, 'openntpd.service'],
  ['version=chrony 4.6 installed', true, 'chrony.service'],
  ['version=systemd-timesyncd 257.8-1 config-files', true, 'chrony.service'],
];
for (const [lines, installs, unit] of CLOCKS)
  test(`the clock is kept by what is there, with ${lines || 'nothing installed'}: ${unit}`, () => {
    const { timeDaemon } = parseFacts(`id=debian\nmemory=1\n${lines}`);
    const context = seeing({ timeDaemon });
    assert.equal(hardeningPackages(db1, context).includes('chrony'), installs);
    assert.ok(hardeningServices(db1, context).some(({ id }) => id === `unit ${unit}`));
  });
