import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsOf } from '../../../roles/needs.ts';
import { addressCheck } from '../../../src/doctor/address.ts';
import type { Check, Needs } from '../../../src/doctor/check.ts';
import { judgeClocks } from '../../../src/doctor/clock.ts';
import { diskCheck } from '../../../src/doctor/disk.ts';
import { firewallsCheck } from '../../../src/doctor/firewalls.ts';
import { checkSections } from '../../../src/doctor/index.ts';
import { listenersCheck } from '../../../src/doctor/listeners.ts';
import { localeCheck } from '../../../src/doctor/locale.ts';
import { memoryCheck } from '../../../src/doctor/memory.ts';
import { nameCheck } from '../../../src/doctor/name.ts';
import { sourcesCheck } from '../../../src/doctor/sources.ts';
import type { Cluster } from '../../../src/inventory/model.ts';
import { parseFacts } from '../../../src/observe/host.ts';
import { offersScript, parseOffers } from '../../../src/programs/apt-sources.ts';
import { fitSections } from '../../support/fit-host.ts';
import { contextFor, labCluster } from '../model.ts';

const lab = labCluster();

const needs = async (cluster: Cluster = lab, change: Partial<Needs> = {}): Promise<Needs> => ({
  ...needsOf(await contextFor(cluster), true),
  ...change,
});

/** The rows of a check without those that are in order, as text. */
async function wrong(check: Check, answers: Record<string, string>, change?: Partial<Needs>, cluster = lab) {
  const given = new Map(
    Object.entries(answers).map(([name, answer]) => [cluster.hosts.find((host) => host.name === name)!, answer]),
  );
  return check
    .judge(given, await needs(cluster, change))
    .filter(({ level }) => level !== 'ok')
    .map(({ level, host, seen }) => `${level} ${host}: ${seen}`);
}

const fit = (name: string, host = 'db1') => fitSections(lab.hosts.find((one) => one.name === host)!.address)[name]!;

test('an address that the machine does not have is a failure that names those that it has', async () => {
  assert.deepEqual(await wrong(addressCheck, { db1: fit('address'), db2: fit('address', 'db2') }), []);
  assert.deepEqual(
    await wrong(addressCheck, {
      db1: '1: lo    inet 127.0.0.1/8 scope host lo\n3: ens5    inet 172.31.4.7/20 scope global dynamic ens5\nid 1',
    }),
    ['failure db1: 10.1.1.10 is not an address of this machine, which has 172.31.4.7 (ens5)'],
  );
});

test('an address counts however it is written, and addresses that cannot be read are no fault of the host', async () => {
  const hosts = lab.hosts.map((host) => (host.name === 'db1' ? { ...host, address: 'FD00:0::1' } : host));
  const six = { ...lab, hosts };
  const answers = { db1: '2: eth0    inet6 fd00::1/64 scope global\nid boot' };
  assert.deepEqual(await wrong(addressCheck, answers, {}, six), []);
  assert.deepEqual(await wrong(addressCheck, { db1: 'mtu eth0 1500\nid boot' }), [
    'warning db1: its addresses cannot be read',
  ]);
});

test('two names that lead to one machine are a failure', async () => {
  const same = '2: eth0    inet 10.1.1.10/24 x\n2: eth0    inet 10.1.1.11/24 x\nid boot\nid net:[1]';
  assert.deepEqual(await wrong(addressCheck, { db1: same, db2: same }), [
    'failure db1: it is the same machine as db2',
    'failure db2: it is the same machine as db1',
  ]);
});

test('a link with another MTU than most is a warning', async () => {
  const answers = Object.fromEntries(['db1', 'db2', 'db3'].map((name) => [name, fit('address', name)]));
  answers.db3 = answers.db3!.replace('mtu eth0 1500', 'mtu eth0 9000');
  assert.deepEqual(await wrong(addressCheck, answers), [
    'warning db3: eth0 has an MTU of 9000, and most other hosts have 1500',
  ]);
});

test('a name that cannot be looked up, or only slowly, is a warning', async () => {
  assert.deepEqual(
    await wrong(nameCheck, { db1: 'name db1\ncode 0', db2: 'name x\ncode 2', db3: 'name y\ncode 124' }),
    ['warning db2: its own name x cannot be looked up', 'warning db3: looking up its own name y takes longer than 2 s'],
  );
});

test('little memory, and a cache of more than half of it, are warnings', async () => {
  const small = parseFacts('id=debian\ncodename=trixie\ncpus=1\nmemory=524288\nvirt=kvm');
  assert.deepEqual(await wrong(memoryCheck, { db1: '' }), []);
  assert.deepEqual(await wrong(memoryCheck, { db1: '', proxy1: '' }, { facts: () => small }), [
    'warning db1: 512.0 MiB of memory',
  ]);
  assert.deepEqual(await wrong(memoryCheck, { db1: '' }, { sharedBuffers: () => 12 * 1024 ** 3 }), [
    'warning db1: shared_buffers will be 12.0 GiB of 16.0 GiB of memory',
  ]);
});

const place = (path: string, { free = 50_000_000, type = 'ext4', options = 'rw', ms = '0.4' } = {}) =>
  `place ${path}|${free} 60000000|${type}|${options}|${ms}\n`;
const DATA = '/var/lib/postgresql/17/pglab';
const places = (of: Record<string, Parameters<typeof place>[1]> = {}) =>
  `${['/var/cache/apt', DATA, '/var/lib/etcd/pglab'].map((path) => place(path, of[path])).join('')}.`;

for (const [what, answer, expected] of [
  ['disks with room', places(), []],
  [
    'data in memory',
    places({ [DATA]: { type: 'tmpfs' } }),
    [`failure db1: ${DATA} (data) is on tmpfs, which a reboot empties`],
  ],
  [
    'data on a read-only mount',
    places({ [DATA]: { options: 'ro,noatime' } }),
    [`failure db1: ${DATA} (data) is on a file system that is mounted read-only`],
  ],
  ['data on a file server', places({ [DATA]: { type: 'nfs4' } }), [`warning db1: ${DATA} (data) is on nfs4`]],
  ['no room for the data', places({ [DATA]: { free: 1000 } }), [`failure db1: 1000.0 KiB are free for ${DATA} (data)`]],
  [
    'a slow disk under etcd',
    places({ '/var/lib/etcd/pglab': { ms: '31.5' } }),
    ['warning db1: a synchronous write to /var/lib/etcd/pglab (etcd) takes 31.5 ms'],
  ],
  ['storage that does not answer', 'place /var', ['failure db1: the storage does not answer in time']],
] as const)
  test(`disk: ${what}`, async () => {
    assert.deepEqual(
      (await wrong(diskCheck, { db1: answer })).map((row) => row.replace('1000.0 KiB', '1000.0 KiB')),
      expected.map((row) => row.replace('1000.0 KiB', bytesOf(1000))),
    );
  });

const bytesOf = (kib: number): string => (kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`);

test('a locale that the cluster is made with must be there, however its codeset is written', async () => {
  const german = labCluster(['postgres:\n', 'postgres:\n  locale: de_DE.UTF-8\n']);
  assert.deepEqual(await wrong(localeCheck, { db1: 'C\nC.utf8\nde_DE.utf8' }, {}, german), []);
  assert.deepEqual(await wrong(localeCheck, { db1: 'C\nC.utf8\nPOSIX' }, {}, german), [
    'failure db1: the locale de_DE.UTF-8 of postgres.locale is not there',
  ]);
});

test('another program on a port of a role is a failure that names it, a service of the role is not', async () => {
  assert.deepEqual(
    await wrong(listenersCheck, {
      db1: 'listener 5432 postgresql@15-main.service postgres\nlistener 2379 etcd.service etcd\nlistener 8008 - PM2 v5: God',
      proxy1: 'listener 5000 docker.service registry',
      // A program of somebody's session, and the listener of a run that was killed.
      db2: 'listener 5432 ssh.service socat\nlistener 8008 ssh.service hapg-dr 4711',
      db3: 'no ss',
    }),
    [
      'failure db1: postgres (postgresql@15-main.service) listens on port 5432 of PostgreSQL',
      'failure db1: PM2 v5: God listens on port 8008 of Patroni',
      'failure proxy1: registry (docker.service) listens on port 5000 of HAProxy primary',
      'failure db2: socat listens on port 5432 of PostgreSQL',
      'warning db3: what listens there cannot be read',
    ],
  );
});

test('another firewall beside ufw is a warning', async () => {
  assert.deepEqual(await wrong(firewallsCheck, { db1: 'ufw on', db2: 'other firewalld' }), [
    'warning db2: firewalld loads firewall rules of its own, beside ufw that hapg sets up',
  ]);
});

test('packages that nobody offers or that are too old, and sources without which they cannot come, are failures', async () => {
  const packages = () => [{ names: ['patroni', 'etcd-server'], minimum: { patroni: '3.0.0' } }];
  const rows = (answer: string, change: Partial<Needs> = {}) =>
    wrong(sourcesCheck, { db1: answer }, { packages, sources: () => [], ...change });
  const offers = 'lists known\noffer patroni 4.0.7-1\noffer etcd-server 3.5.16-1';
  const dead = "source bad http://deb.test/dists/trixie/ Could not resolve 'deb.test'";
  const fails = "db1: http://deb.test/dists/trixie/ does not answer: Could not resolve 'deb.test'";
  assert.deepEqual(await rows(offers), []);
  const installed = 'patroni|installed|4.0.7-1\netcd-server|installed|3.5.16-1';
  assert.deepEqual(await rows(`${installed}\n${dead}`), [`warning ${fails}`], 'nothing has to come from it');
  assert.deepEqual(await rows(`source ok http://other.test/\n${dead}\n${offers}`), [`warning ${fails}`]);
  assert.deepEqual(await rows(dead), [`failure ${fails}`], 'no source answers');
  assert.deepEqual(
    await rows(`source ok http://other.test/\n${dead}`, { sources: () => [{ uri: 'http://deb.test', suite: 'x' }] }),
    [`failure ${fails}`],
    'a source that the apply adds',
  );
  assert.deepEqual(await rows('lists known\noffer patroni (none)\noffer etcd-server 3.5.16-1'), [
    'failure db1: its package sources do not offer patroni',
  ]);
  assert.deepEqual(await rows('lists known\noffer patroni 2.1.3-1\noffer etcd-server 3.5.16-1'), [
    'failure db1: its package sources offer patroni 2.1.3-1, and 3.0.0 is needed',
  ]);
  // What a source offers that the apply adds, or without lists, is not known.
  const ok = 'source ok http://other.test/';
  assert.deepEqual(await rows(`${ok}\nlists known`, { sources: () => [{ uri: 'https://x.test', suite: 's' }] }), []);
  assert.deepEqual(await rows(ok), []);
  assert.deepEqual(await rows(`cdrom\n${offers}`), ['warning db1: a CD is a package source']);
});

test('package lists are fetched to a directory that is gone afterwards, and a source that is dead is named with the reason', () => {
  const root = mkdtempSync(join(tmpdir(), 'hapg-offers-'));
  try {
    mkdirSync(join(root, 'repository'));
    writeFileSync(
      join(root, 'repository', 'Packages'),
      'Package: etcd-server\nVersion: 3.5.16-1\nArchitecture: all\nFilename: x\nSize: 1\n\n',
    );
    const config = [
      `Dir::Etc::SourceList "${root}/sources.list";`,
      'Dir::Etc::SourceParts "/nonexistent";',
      `APT::Update::Post-Invoke { "touch ${root}/hooked"; };`,
    ];
    writeFileSync(join(root, 'apt.conf'), config.join('\n'));
    writeFileSync(
      join(root, 'sources.list'),
      `deb [trusted=yes] file:${root}/repository ./\ndeb http://127.0.0.1:1/debian trixie main\ndeb http://user:s3cret@127.0.0.1:1/x trixie main\n`,
    );
    const script = offersScript(['etcd-server', 'patroni'], [], { proxy: undefined, fetchesLists: true });
    const answer = execFileSync('sh', ['-c', script], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, APT_CONFIG: join(root, 'apt.conf'), TMPDIR: root, LC_ALL: 'C' },
    });
    const { offered, silent } = parseOffers(answer);
    assert.equal(offered?.get('etcd-server'), '3.5.16-1', answer);
    assert.notEqual(offered?.get('patroni'), '3.5.16-1');
    const dead = silent.find(({ at }) => at === 'http://127.0.0.1:1/debian/dists/trixie/');
    assert.match(dead?.reason ?? '', /connect/i);
    assert.doesNotMatch(answer, /s3cret/);
    assert.deepEqual(readdirSync(root).sort(), ['apt.conf', 'repository', 'sources.list']);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test('a clock is judged against the others, and the controller against all', () => {
  const clock = (host: string, offsetMs: number, synchronized?: boolean) => ({
    host,
    offsetMs,
    uncertaintyMs: 20,
    synchronized,
  });
  const rows = (...clocks: ReturnType<typeof clock>[]) =>
    judgeClocks(clocks)
      .filter(({ level }) => level !== 'ok')
      .map(({ level, host, seen }) => `${level} ${host}: ${seen}`);
  assert.deepEqual(rows(clock('a', 5), clock('b', -900), clock('c', 30)), []);
  assert.deepEqual(rows(clock('a', 5), clock('b', -4000), clock('c', 30)), ['warning b: 4.0 s behind the other hosts']);
  assert.deepEqual(rows(clock('a', 5), clock('b', 90_000_000), clock('c', 30)), [
    'failure b: 90000 s ahead of the other hosts',
  ]);
  assert.deepEqual(rows(clock('a', -90_000_000), clock('b', -90_000_010)), [
    "failure : this machine's clock is 90000 s ahead of the hosts'",
  ]);
  assert.deepEqual(rows(clock('a', 0, false)), ['warning a: nothing keeps its clock at present']);
});

test('the scripts of all checks run in sh, say nothing on the error output, and are understood', async () => {
  const given = await needs(lab, { packages: () => [{ names: ['bash'], minimum: {} }], fetchesLists: false });
  const host = lab.hosts[0]!;
  for (const [name, script] of checkSections(host, given)) {
    // The package sources of this machine are no part of the test.
    const text = name === 'packages' ? script.replaceAll('/usr/lib/apt/apt-helper', 'true') : script;
    const answer = execFileSync('sh', ['-c', text], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    assert.doesNotMatch(answer, /not found|[Ss]yntax error|line \d+:/, name);
    if (name === 'address') assert.match(answer, /^mtu lo \d+$/m);
    if (name === 'disk') assert.match(answer, /^place \/var\/cache\/apt\|\d+ \d+\|\w+\|[^|]+\|$/m);
    if (name === 'packages') assert.match(answer, /^bash\|installed\|/m);
    if (name === 'name') assert.match(answer, /^code \d+$/m);
  }
});
