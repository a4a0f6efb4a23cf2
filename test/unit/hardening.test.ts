import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hardening, hardeningPackages, hardeningServices } from '../../roles/hardening/hardening.ts';
import { HARDENING_ITEMS, type HardeningItem } from '../../src/inventory/hardening-schema.ts';
import type { Facts } from '../../src/observe/host.ts';
import { parseFacts } from '../../src/observe/host.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { contextFor, FACTS, labCluster } from './model.ts';

/** The steps and packages of db1's hardening, with this line in the inventory and these facts. */
async function steps(line: string, facts: Partial<Facts> = {}, own = '') {
  const cluster = labCluster(
    ['hosts:', `${line}\nhosts:`],
    ...(own ? ([['db1:    {address', `db1:    {${own}, address`]] as [string, string][]) : []),
  );
  const db1 = cluster.hosts[0]!;
  const context = { ...(await contextFor(cluster)), facts: () => ({ ...FACTS, ...facts }) };
  const all = [...hardening(db1, context), ...hardeningServices(db1, context)];
  return {
    roles: db1.roles,
    packages: hardeningPackages(db1, context),
    /** Identities of the steps that set something. */
    set: all
      .filter(({ want }) => !('content' in (want as object)) || (want as FileWant).content !== undefined)
      .map(({ id }) => id),
    /** Files that must not be there. */
    gone: all
      .filter(({ want }) => 'content' in (want as object) && (want as FileWant).content === undefined)
      .map(({ id }) => id),
    content: (path: string) => String((all.find(({ id }) => id === `file ${path}`)!.want as FileWant).content),
  };
}

/** What each item sets, by a part of the identities of its steps; the files that go with it. */
const ITEMS: Record<HardeningItem, { sets: RegExp; removes?: string[]; packages?: string[] }> = {
  sshd: { sets: /10-hapg\.conf/, removes: ['/etc/ssh/sshd_config.d/10-hapg.conf'] },
  banner: { sets: /\/etc\/issue/ },
  network: { sets: /^sysctl net\./ },
  kernel: { sets: /^sysctl (?:kernel|fs|dev)\./ },
  modules: { sets: /modprobe/, removes: ['/etc/modprobe.d/60-hapg.conf'] },
  core_dumps: {
    sets: /limits\.d|coredump/,
    removes: ['/etc/security/limits.d/60-hapg.conf', '/etc/systemd/coredump.conf.d/60-hapg.conf'],
  },
  accounts: { sets: /login\.defs/, packages: ['libpam-tmpdir'] },
  passwords: { sets: /pwquality/, packages: ['libpam-pwquality'] },
  shells: { sets: /profile\.d/, removes: ['/etc/profile.d/60-hapg.sh'] },
  sudo: { sets: /sudoers\.d/ },
  journal: { sets: /journald/, removes: ['/etc/systemd/journald.conf.d/60-hapg.conf'] },
  updates: {
    sets: /52hapg|apt-daily-upgrade/,
    removes: ['/etc/apt/apt.conf.d/52hapg'],
    packages: ['unattended-upgrades'],
  },
  restarts: { sets: /needrestart/, removes: ['/etc/needrestart/conf.d/60-hapg.conf'], packages: ['needrestart'] },
  audit: { sets: /audit/, removes: ['/etc/audit/rules.d/60-hapg.rules'], packages: ['debsums', 'auditd'] },
  clock: { sets: /chrony/, packages: ['chrony'] },
};

describe('an item of hardening that the inventory turns off sets nothing, and its files go; the others stay', () => {
  for (const [name, { sets, removes = [], packages = [] }] of Object.entries(ITEMS))
    test(name, async () => {
      const [on, off] = [await steps('hardening: true'), await steps(`hardening: {${name}: false}`)];
      assert.ok(on.set.some((id) => sets.test(id)));
      assert.deepEqual(
        off.set.filter((id) => sets.test(id)),
        [],
      );
      assert.deepEqual(
        off.gone,
        removes.map((path) => `file ${path}`),
      );
      const without = (list: string[]) => list.filter((id) => !sets.test(id) && !packages.includes(id));
      // Directories of single files come with them.
      assert.deepEqual(
        without(off.set),
        without(on.set).filter((id) => off.set.includes(id)),
      );
      assert.deepEqual(
        off.packages,
        on.packages.filter((one) => !packages.includes(one)),
      );
    });

  test('all of them are none of the role', async () => {
    const { roles } = await steps(`hardening: {${HARDENING_ITEMS.map((name) => `${name}: false`).join(', ')}}`);
    assert.ok(!roles.has('hardening'));
  });
});

test('a host says its own items over those of the inventory', async () => {
  const own = await steps('hardening: {kernel: false, modules: false}', {}, 'hardening: {kernel: true, sudo: false}');
  const has = (pattern: RegExp) => own.set.some((id) => pattern.test(id));
  assert.deepEqual([has(/^sysctl kernel\./), has(/modprobe/), has(/sudoers/)], [true, false, false]);
  assert.ok((await steps('hardening: {kernel: false}', {}, 'hardening: true')).set.some((id) => /kernel\./.test(id)));
  assert.ok(!(await steps('hardening: {kernel: false}', {}, 'hardening: false')).roles.has('hardening'));
  assert.ok((await steps('hardening: false', {}, 'hardening: {sudo: false}')).roles.has('hardening'));
});

test('tunnels of operators go on where the inventory says so', async () => {
  const forwarding = async (line: string) =>
    /^AllowTcpForwarding (\w+)/m.exec((await steps(line)).content('/etc/ssh/sshd_config.d/10-hapg.conf'))![1];
  assert.equal(await forwarding('hardening: true'), 'no');
  assert.equal(await forwarding('hardening: {sshd: {tcp_forwarding: true}}'), 'all');
});

test('a module that somebody needs can be loaded: named in the inventory, or udf on Azure', async () => {
  const modules = async (line: string, facts: Partial<Facts> = {}) =>
    (await steps(line, facts)).content('/etc/modprobe.d/60-hapg.conf');
  assert.match(await modules('hardening: true'), /blacklist udf/);
  assert.doesNotMatch(await modules('hardening: {modules: {except: [udf]}}'), /udf/);
  assert.match(await modules('hardening: {modules: {except: [udf]}}'), /blacklist usb-storage/);
  assert.doesNotMatch(await modules('hardening: true', { cloud: 'azure' }), /udf/);
});

test('a daemon that ships the journal goes on to get its messages', async () => {
  const journal = async (syslog: boolean) =>
    (await steps('hardening: true', { syslog })).content('/etc/systemd/journald.conf.d/60-hapg.conf');
  assert.match(await journal(false), /^ForwardToSyslog=no$/m);
  assert.doesNotMatch(await journal(true), /ForwardToSyslog/);
});

test('a host says that it is a machine of Azure, and that a daemon takes its messages', () => {
  const facts = (text: string) => parseFacts(`id=debian\ncodename=trixie\nmemory=16777216\n${text}`);
  assert.equal(facts('asset=7783-7084-3265-9085-8269-3286-77\n').cloud, 'azure');
  assert.equal(facts('asset=7783-7084-3265-9085-8269-3286-77\nvirt=docker\n').cloud, undefined);
  assert.equal(facts('asset=none\nsyslog=yes\n').syslog, true);
  assert.equal(facts('').syslog, false);
});
