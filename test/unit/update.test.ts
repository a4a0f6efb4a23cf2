import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { patroniConfig } from '../../roles/patroni/config.ts';
import { mark, tagsBlock, unmark } from '../../roles/patroni/marks.ts';
import { figures } from '../../src/cluster/client-load.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { rolled, shortOfRoom, wantsBoot } from '../../src/cluster/upgrades.ts';
import {
  backInService,
  commitsWaitElsewhere,
  type Limits,
  mayTakeOut,
  nextHost,
  steady,
} from '../../src/decisions/update.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import { said } from '../../src/observe/answer.ts';
import type { Observation } from '../../src/observe/index.ts';
import { LIST_UPGRADES, parseUpgrades, upgradeScript } from '../../src/programs/apt.ts';
import { startUnits } from '../../src/programs/systemd.ts';
import { contextFor, healthyLab, its, labCluster } from './model.ts';
import { sh } from './sh.ts';

const cluster = labCluster();
const LIMITS: Limits = { maxLagBytes: 1000, maxTransactionSeconds: 60 };
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
const reasons = (verdict: Verdict) => (verdict.ok ? [] : verdict.reasons).join('; ');

/** The healthy lab with a change. */
function seen(change: (all: Map<string, Observation>) => void = () => undefined) {
  const all = structuredClone(healthyLab());
  change(all);
  return takeSnapshot(all);
}

/** Every list of members that Patroni shows, with a change to one member. */
function member(all: Map<string, Observation>, name: string, change: Record<string, unknown>): void {
  for (const one of all.values())
    for (const entry of said(one.patroni)?.members ?? []) if (entry.name === name) Object.assign(entry, change);
}

test('a healthy lab is steady, and each of its hosts may be taken out', () => {
  assert.deepEqual(steady(cluster, seen(), LIMITS), { ok: true });
  for (const one of cluster.hosts) assert.deepEqual(mayTakeOut(cluster, seen(), one, LIMITS), { ok: true }, one.name);
});

const REFUSALS: [what: string, host: string, change: (all: Map<string, Observation>) => void, reason: RegExp][] = [
  ['the cluster is paused', 'db3', (all) => (its(all.get('db1')!.patroni).paused = true), /the cluster is paused/],
  ['nobody leads', 'db3', (all) => member(all, 'db1', { role: 'replica' }), /no member leads/],
  [
    'two members say that they lead',
    'db3',
    (all) => (its(all.get('db2')!.patroni).self = { role: 'primary', state: 'running', patroni: { name: 'db2' } }),
    /two leaders: db1 and db2/,
  ],
  [
    'a member is missing',
    'db3',
    (all) => {
      for (const one of all.values())
        if (one.patroni) its(one.patroni).members = its(one.patroni).members!.filter(({ name }) => name !== 'db2');
    },
    /db2 is not a member/,
  ],
  ['a replica is on another timeline', 'db3', (all) => member(all, 'db2', { timeline: 2 }), /db2 is on timeline 2/],
  ['a replica lags', 'db3', (all) => member(all, 'db2', { lag: 1001 }), /db2 is streaming, 1001 bytes behind/],
  [
    'the leader says that a replica has not replayed enough, whatever Patroni says',
    'db3',
    (all) => (its(all.get('db1')!.sql).replication[0]!.behind = 5000),
    /db2 is streaming, 5000 bytes behind/,
  ],
  ['a replica does not stream', 'db3', (all) => member(all, 'db2', { state: 'starting' }), /db2 is starting/],
  [
    'there is no synchronous standby',
    'db3',
    (all) => member(all, 'db2', { role: 'replica' }),
    /there is no synchronous standby/,
  ],
  [
    'another etcd member is ill, so that the healthy voters are below quorum + 1',
    'db3',
    (all) => (its(all.get('db2')!.dcs).healthy = false),
    /etcd has 1 other healthy voters of 3, 2 are needed; not healthy: db2/,
  ],
  ['a backup is running', 'db3', (all) => (its(all.get('backup')!.repository).running = true), /a backup is running/],
  [
    'a long transaction is open on the leader that is to hand over',
    'db1',
    (all) => (its(all.get('db1')!.sql).transaction = { seconds: 61, user: 'app', database: 'app' }),
    /a transaction of app in app is open for 61 s \(limit 60 s\)/,
  ],
  [
    'a tag is left over',
    'db3',
    (all) => member(all, 'db2', { tags: { nofailover: true } }),
    /db2 has the tag nofailover, which the inventory does not say/,
  ],
  [
    'an undo is armed',
    'db3',
    (all) => its(all.get('db2')!.units).push('hapg-undo-update.timer'),
    /db2: something temporary is set \(update\)/,
  ],
  [
    'a member is drained in a balancer',
    'db3',
    (all) => (its(all.get('proxy1')!.balancer)[4]!.status = 'DRAIN'),
    /proxy1: db2 is drained in HAProxy/,
  ],
  ['the VIP is nowhere', 'db3', (all) => (all.get('proxy1')!.vipHeld = { said: false }), /the VIP is held by nobody/],
  [
    'the VIP is held twice',
    'db3',
    (all) => (all.get('proxy2')!.vipHeld = { said: true }),
    /the VIP is held by proxy1 and proxy2/,
  ],
  [
    'a balancer sends writes elsewhere',
    'db3',
    (all) => {
      its(all.get('proxy2')!.balancer)[0]!.status = 'DOWN';
      its(all.get('proxy2')!.balancer)[1]!.status = 'UP';
    },
    /HAProxy on proxy2 sends writes to db2, but db1 leads/,
  ],
  ['a host does not answer', 'db3', (all) => all.delete('proxy2'), /proxy2 does not answer/],
];

for (const [what, name, change, reason] of REFUSALS)
  test(`no host is taken out when ${what}`, () => {
    assert.match(reasons(mayTakeOut(cluster, seen(change), host(name), LIMITS)), reason);
  });

test('a long transaction on the leader does not keep a replica from being updated', () => {
  const snapshot = seen(
    (all) => (its(all.get('db1')!.sql).transaction = { seconds: 999, user: 'app', database: 'app' }),
  );
  assert.deepEqual(mayTakeOut(cluster, snapshot, host('db3'), LIMITS), { ok: true });
});

test('with strict synchronous replication the only standby that commits could wait for stays', () => {
  const strict = labCluster(['rto: fast', 'rto: fast\npatroni: {synchronous_mode_strict: true}']);
  const snapshot = seen((all) => member(all, 'db3', { state: 'starting' }));
  assert.match(reasons(mayTakeOut(strict, snapshot, host('db2'), LIMITS)), /writes would stop without it/);
  assert.doesNotMatch(reasons(mayTakeOut(strict, seen(), host('db2'), LIMITS)), /writes would stop/);
});

test('clients come first, then replicas, the leader, the repository, and the holder of the VIP last', () => {
  const left = [...cluster.hosts];
  const order: string[] = [];
  while (left.length > 0) {
    const next = nextHost(left, seen());
    order.push(next.name);
    left.splice(left.indexOf(next), 1);
  }
  assert.deepEqual(order, ['client', 'db2', 'db3', 'db1', 'backup', 'proxy2', 'proxy1']);
});

test('a marked member is stopped only when commits wait for another', () => {
  const marks = { tags: { nosync: true, nofailover: true, noloadbalance: true } };
  assert.match(
    reasons(commitsWaitElsewhere(cluster, seen(), host('db2'))),
    /does not show its marks yet.*still wait for db2/,
  );
  const alone = seen((all) => member(all, 'db2', { ...marks, role: 'replica' }));
  assert.match(reasons(commitsWaitElsewhere(cluster, alone, host('db2'))), /no other standby is synchronous yet/);
  const moved = seen((all) => {
    member(all, 'db2', { ...marks, role: 'replica' });
    member(all, 'db3', { role: 'sync_standby' });
  });
  assert.deepEqual(commitsWaitElsewhere(cluster, moved, host('db2')), { ok: true });
});

test('the only replica of a leader may be stopped although no other can be synchronous', () => {
  const two = seen((all) => {
    for (const one of all.values())
      if (one.patroni) its(one.patroni).members = its(one.patroni).members!.filter(({ name }) => name !== 'db3');
    member(all, 'db2', { role: 'replica', tags: { nosync: true } });
  });
  assert.deepEqual(commitsWaitElsewhere(cluster, two, host('db2')), { ok: true });
});

test('a host is back in service when its members stream and vote, though its marks are still set', () => {
  const marked = seen((all) => member(all, 'db3', { tags: { nosync: true } }));
  assert.deepEqual(backInService(cluster, marked, host('db3'), LIMITS), { ok: true });
  const late = seen((all) => member(all, 'db3', { state: 'starting' }));
  assert.match(reasons(backInService(cluster, late, host('db3'), LIMITS)), /db3 is starting/);
  const silent = seen((all) => (its(all.get('db3')!.dcs).healthy = false));
  assert.match(reasons(backInService(cluster, silent, host('db3'), LIMITS)), /etcd on db3 is not healthy/);
});

test('tags stand at the end of config.yml, so that marks change nothing else in it', async () => {
  const tagged = labCluster([
    'port: 3003}, roles: [etcd, patroni]}',
    'port: 3003}, roles: [etcd, patroni], tags: {failover_priority: 2}}',
  ]);
  const context = await contextFor(tagged);
  const db3 = tagged.hosts.find((one) => one.name === 'db3')!;
  const config = patroniConfig(db3, context).reveal();
  assert.ok(config.endsWith(`\n${tagsBlock(db3.tags)}\n`), config.slice(-200));
  assert.equal(tagsBlock(db3.tags), 'tags:\n  failover_priority: 2');
  assert.doesNotMatch(patroniConfig(tagged.hosts[0]!, context).reveal(), /^tags:/m);
  assert.match(mark(db3), /failover_priority: 2\n {2}noloadbalance: true/);
  assert.match(unmark(db3), /tags:\n {2}failover_priority: 2/);
});

const APT = `reboot /run/reboot-required is there
free 5000000 /
Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian:13.3/stable [amd64])
Inst openssl [3.5.1-1] (3.5.4-1~deb13u1 Debian-Security:13/stable-security [amd64])
Inst libnew (1.0 Debian:13.3/stable [amd64])
Inst pgbackrest [2.55.1-1] (2.55.1-2 Debian:13.3/stable [amd64])
`;

test('what apt would do is read: versions, security, new dependencies left to apt, pgbackrest kept apart', () => {
  const found = parseUpgrades(APT, false);
  assert.deepEqual(
    found.upgrades.map(({ name, to, security }) => [name, to, security]),
    [
      ['libc6', '2.41-12+deb13u1', false],
      ['openssl', '3.5.4-1~deb13u1', true],
      ['pgbackrest', '2.55.1-2', false],
    ],
  );
  assert.deepEqual(
    rolled(found).map(({ name }) => name),
    ['libc6', 'openssl'],
  );
  assert.deepEqual(found.reboot, ['/run/reboot-required is there']);
  assert.deepEqual([...found.room.free], [['/', 5_000_000 * 1024]]);
  assert.equal(wantsBoot(found.upgrades), true);
  assert.deepEqual(
    parseUpgrades(APT, true).upgrades.map(({ name }) => name),
    ['openssl'],
  );
  assert.match(upgradeScript(rolled(found)), /'?libc6=2.41-12\+deb13u1'? '?openssl=3.5.4-1~deb13u1'?/);
  assert.throws(() => parseUpgrades('garbage', false), /not understood/);
});

const KERNEL = 'Inst linux-image-6.12.9-amd64 (6.12.9-1 Debian:13.3/stable [amd64])\n';
const SIZES = `boot 12000000 /boot/vmlinuz-6.12.8-amd64
boot 90000000 /boot/initrd.img-6.12.8-amd64
boot 80000000 /boot/initrd.img-6.12.7-amd64
size libc6 13000 2700000
size openssl 2400 1400000
size libnew 900000 300000000
size pgbackrest 1500 600000
was libc6 12900
was openssl 2400
was pgbackrest 1600
`;
for (const [what, free, more, expected] of [
  ['room everywhere', 'free 2000000 /\n', KERNEL, []],
  ['a small /boot, and no kernel', 'free 2000000 /\nfree 90000 /boot\n', '', []],
  [
    'a small /boot',
    'free 2000000 /\nfree 90000 /boot\n',
    KERNEL,
    [/^only 87\.9 MiB are free in \/boot, .* needs 97\.3 MiB$/],
  ],
  [
    'a small /boot, whose image is made again',
    'free 2000000 /\nfree 80000 /boot\n',
    'Inst initramfs-tools [1] (2 Debian:13.3/stable [all])\n',
    [/in \/boot, and the update needs 85\.8 MiB$/],
  ],
  [
    'a full /var',
    'free 2000000 /\nfree 200000 /var\n',
    '',
    [/^only 195\.3 MiB are free in \/var, .* needs 546\.6 MiB$/],
  ],
  ['no room for what the packages grow by', 'free 1400000 /\n', '', [/in \/, and the update needs 1\.4 GiB$/]],
  [
    'a /usr and archives of their own',
    'free 200000 /\nfree 1200000 /usr\nfree 900000 /var\nfree 400000 /var/cache/apt/archives\n',
    '',
    [/free in \/,/, /free in \/var\/cache\/apt\/archives,/],
  ],
] as const)
  test(`before anything is stopped an update finds ${what}`, () => {
    const found = shortOfRoom(parseUpgrades(APT.replace(/^free.*\n/m, free) + SIZES + more, false).room);
    assert.equal(found.length, expected.length, found.join('; '));
    for (const [index, one] of expected.entries()) assert.match(found[index]!, one);
  });

test('what apt, dpkg and df say is passed on with the sizes of packages', () => {
  const bin = mkdtempSync(join(tmpdir(), 'hapg-test-update-'));
  const stub = (name: string, text: string) => writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  try {
    stub('apt-get', `case "$*" in *upgrade) cat <<'END'\n${APT.replace(/^(reboot|free).*\n/gm, '')}END\nesac`);
    stub(
      'df',
      "[ \"$*\" = '-Pk / /usr /var /var/cache/apt/archives /boot' ] || exit 2; echo head; echo 'd 9 1 5000000 1% /'; echo 'd 9 1 5000000 1% /'; echo 'b 9 1 70000 1% /boot'; exit 1",
    );
    stub('dpkg-query', 'shift 3; echo "was ${1%%=*} 12900"');
    stub('dpkg', '');
    stub(
      'apt-cache',
      `[ "$*" = 'show libc6=2.41-12+deb13u1 openssl=3.5.4-1~deb13u1 libnew=1.0 pgbackrest=2.55.1-2' ] || exit 1
printf 'Package: libc6\\nInstalled-Size: 13000\\nSize: 2700000\\nDescription: a\\n .\\n b\\n\\nPackage: libnew\\nSize: 5\\nInstalled-Size: 7\\n'`,
    );
    const found = parseUpgrades(sh(LIST_UPGRADES, { path: bin }).out, false);
    assert.deepEqual(
      [...found.room.free],
      [
        ['/', 5_000_000 * 1024],
        ['/boot', 70_000 * 1024],
      ],
    );
    assert.equal(found.room.takes.get('/usr'), 107 * 1024);
    assert.equal(found.room.takes.get('/var/cache/apt/archives'), 2_700_005);
    assert.equal(found.upgrades.length, 3);
  } finally {
    rmSync(bin, { recursive: true });
  }
});

test("the load's figures: failures are gaps, and an acknowledged row that is not there is lost", () => {
  const writes = '1000 ok 1\n1100 ok 2\n1900 failed 3\n2600 ok 4\n2700 ok 5\n';
  const reads = '1000 ok 1\n1100 failed 2\n4000 failed 3\n';
  assert.deepEqual(figures(`${writes}--\n${reads}--\n1\n2\n4\n`), {
    writes: { acked: 4, failed: 1, max_gap_ms: 1500, max_gap_at: '1970-01-01T00:00:01.100Z', lost: 1 },
    reads: { ok: 1, failed: 2, max_gap_ms: 3000, max_gap_at: '1970-01-01T00:00:01.000Z' },
  });
  assert.throws(() => figures(writes), /not understood/);
  assert.throws(
    () => figures(`early\n${writes}--\n${reads}--\n1\n`),
    /the probe ended before the work did, at 1970-01-01T/,
  );
});

test('only services that are meant to run are started: a package may bring one that this shape has no use for', () => {
  const fake =
    'systemctl() { case "$*" in "-q is-enabled patroni.service") true ;; "-q is-enabled"*) false ;; *) echo "$*" ;; esac; }';
  const script = `${fake}\n${startUnits(['pgbackrest.service', 'patroni.service'])}`;
  assert.equal(execFileSync('sh', { input: script, encoding: 'utf8' }), 'start patroni.service\n');
});
