import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { apply } from '../../playbooks/apply.ts';
import { askSource } from '../../playbooks/promote.ts';
import { rulesFor } from '../../roles/index.ts';
import { dcsConfig } from '../../roles/patroni/dynamic-config.ts';
import { hbaLines } from '../../roles/patroni/hba.ts';
import { memberParameters } from '../../roles/patroni/parameters.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { admitApply } from '../../src/decisions/admission.ts';
import { checkVersions } from '../../src/decisions/equipment.ts';
import { membersHealthy } from '../../src/decisions/members.ts';
import { mayClone } from '../../src/decisions/restore.ts';
import { mayPromote, receivesWal, standbyAsDeclared } from '../../src/decisions/standby.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { UsageError } from '../../src/errors.ts';
import { removeKey } from '../../src/inventory/edit.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { backupHosts, hostsWith } from '../../src/inventory/model.ts';
import { said } from '../../src/observe/answer.ts';
import type { Observation } from '../../src/observe/index.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { Secret } from '../../src/secret.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { configPatch } from '../../src/steps/dcs-config.ts';
import { contextFor, FACTS, healthyLab } from './model.ts';
import { programs } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-standby-'));
after(() => rmSync(root, { recursive: true, force: true }));

const COPY = readFileSync('inventory/standby.yaml', 'utf8');
const MAIN = readFileSync('inventory/multi-dc.yaml', 'utf8').replace(
  /^hosts:/m,
  'standbys: {pgfar: [10.1.14.0/24]}\n\nhosts:',
);

/** Both inventories in a directory of their own, loaded. */
function pair(copy = COPY, main = MAIN) {
  const directory = mkdtempSync(join(root, 'pair-'));
  writeFileSync(join(directory, 'multi-dc.yaml'), main);
  writeFileSync(join(directory, 'standby.yaml'), copy);
  const load = (name: string) => loadInventory(join(directory, name));
  return { far: load('standby.yaml'), main: load('multi-dc.yaml').cluster };
}

const { far, main } = pair();
const copy = far.cluster;
const promoted = loadInventory(copy.file, [], (text) => removeKey(text, 'standby_of')).cluster;
/** A store of the main cluster, from which the copy's takes its accounts. */
const mainStore = await SecretStore.create(main);
await mainStore.save();

test('the shipped standby cluster is valid once its source lets it in', async () => {
  assert.deepEqual(far.warnings, []);
  const context = await contextFor(copy);
  for (const one of copy.hosts) {
    const stages = allSteps(apply, one, context, { hosts: copy.hosts, roles: new Set(ROLE_NAMES) });
    assert.ok(stages.flatMap(({ steps }) => steps).length > 20, one.name);
  }
});

const change = (from: string, to: string) => (text: string) => {
  assert.ok(text.includes(from), from);
  return text.replace(from, to);
};
const same = (text: string) => text;

for (const [what, ours, theirs, says] of [
  ['no such file', change('multi-dc.yaml  ', 'mulit-dc.yaml  '), same, /:\d+:13: error: cannot read .* mulit-dc/],
  ['nobody is let in', same, change('pgfar:', 'other:'), /:\d+:13: error: .* lets nobody in for pgfar/],
  [
    'a host of another network',
    change('10.1.14.11', '10.1.15.11'),
    same,
    /far2: .*\n?.*lets pgfar in from|lets pgfar in from/,
  ],
  ['the same name', change('cluster: pgfar', 'cluster: pg'), same, /has a name of its own/],
  ['a member of the same name', change('  far1:', '  pg-a1:'), same, /has a database host pg-a1 too/],
  ['another version', change('version: "17"', 'version: "16"'), same, /has PostgreSQL 17/],
  [
    "a password that is not the source's own",
    change('- {name: app}\n', '- {name: app, password: own}\n'),
    same,
    /postgres.users .*app \(password: own\)/,
  ],
  ['another user', change('- {name: app}\n', '- {name: app}\n    - {name: web}\n'), same, /postgres.users .*: web/],
  [
    'a database less',
    same,
    change('- {name: app, owner: app}', '- {name: app, owner: app}\n    - {name: b}'),
    /postgres.databases .*: b/,
  ],
  [
    'an extension less',
    same,
    change('  users:', '  extensions: [postgis]\n  users:'),
    /postgres.extensions .*: postgis/,
  ],
  [
    'fewer connections',
    change('max_connections: 100', 'max_connections: 90'),
    same,
    /max_connections is 90, and 100 in/,
  ],
  [
    'a pool',
    change(
      'far2: {address: 10.1.14.11, roles: [etcd, patroni]',
      'far2: {address: 10.1.14.11, roles: [etcd, patroni, pgbouncer]',
    ),
    same,
    /pgbouncer/,
  ],
  [
    'a copy of a copy',
    same,
    change('cluster: pg\n', 'cluster: pg\nstandby_of: x.yaml\n'),
    /is a standby cluster itself/,
  ],
  [
    'a copy with copies',
    change('rto:', 'standbys: {x: [10.0.0.0/8]}\nrto:'),
    same,
    /has no standby clusters of its own/,
  ],
  ['a copy of itself', same, change('pgfar: [', 'pg: [10.0.0.0/8], pgfar: ['), /no standby of itself/],
] as const)
  test(`standby_of: ${what} is an error before the first connection`, () => {
    assert.throws(
      () => pair(ours(COPY), theirs(MAIN)),
      (thrown) => thrown instanceof UsageError && says.test(thrown.message),
    );
  });

test('the copy finds who leads among all members, and its source keeps WAL for it and lets nobody else in', async () => {
  const [here, there] = [await contextFor(copy), await contextFor(main)];
  assert.deepEqual(dcsConfig(here).standby_cluster, {
    host: '10.1.11.10,10.1.11.11,10.1.12.10,10.1.12.11,10.1.13.10,10.1.13.11',
    port: 5432,
    primary_slot_name: 'hapg_standby_pgfar',
    create_replica_methods: ['basebackup'],
  });
  assert.deepEqual(dcsConfig(there).slots, { hapg_standby_pgfar: { type: 'physical' } });
  assert.equal('standby_cluster' in dcsConfig(there), false);
  assert.deepEqual(
    hbaLines(main).filter((line) => line.includes('10.1.14.')),
    ['hostssl replication replicator 10.1.14.0/24 scram-sha-256', 'hostssl all rewinder 10.1.14.0/24 scram-sha-256'],
  );
  for (const host of main.hosts)
    assert.deepEqual(
      rulesFor(host, main, [22]).flatMap(({ from, port }) => (from?.startsWith('10.1.14.') ? [port] : [])),
      host.roles.has('patroni') ? [5432] : [],
      host.name,
    );
});

test('a slot of a standby cluster that is named no more is removed, and nobody else’s', () => {
  const present = { slots: { hapg_standby_old: { type: 'physical' }, standby_dr: { type: 'physical' } } };
  assert.deepEqual(configPatch(present, { slots: {} }), { slots: { hapg_standby_old: null } });
  assert.deepEqual(configPatch({}, { slots: {} }), {});
});

test('a copy takes no backups and archives nothing from elsewhere; both begin when it is promoted', async () => {
  assert.deepEqual(backupHosts(copy), []);
  assert.deepEqual(
    backupHosts(promoted).map(({ name }) => name),
    ['far3'],
  );
  const first = hostsWith(copy, 'patroni')[0]!;
  const [before, later] = [copy, promoted].map(async (one) => memberParameters(first, await contextFor(one)));
  assert.equal((await before!).restore_command, undefined);
  assert.match(String((await before!).archive_command), /archive-push/);
  assert.match(String((await later!).restore_command), /restore-wal/);
});

test('promotion takes out one line and leaves every other character', () => {
  assert.equal(removeKey(COPY, 'standby_of'), COPY.replace(/^standby_of: .*\n/m, ''));
  assert.equal(removeKey('a: 1\n', 'standby_of'), 'a: 1\n');
});

test('accounts are those of the source, are followed when they change, and are kept when its store is lost', async () => {
  const store = await SecretStore.create(copy);
  for (const name of ['superuser', 'replication', 'rewind'] as const)
    assert.equal(store.password(name).reveal(), mainStore.password(name).reveal(), name);
  assert.equal(store.userPassword('app').reveal(), mainStore.userPassword('app').reveal());
  assert.notEqual(store.password('rest').reveal(), mainStore.password('rest').reveal());
  assert.equal(store.upstreamTrusted(), mainStore.trusted('postgres'));
  await store.save();
  await mainStore.stageRotation(['replication'], []);
  await mainStore.promoteSystem();
  const again = (await SecretStore.read(copy))!;
  await again.complete();
  assert.equal(again.password('replication').reveal(), mainStore.password('replication').reveal());
  await again.save();
  const lost = { ...copy, upstream: { ...main, stateDir: join(root, 'nowhere') } };
  const alone = (await SecretStore.read(lost))!;
  await alone.complete();
  assert.equal(alone.password('replication').reveal(), mainStore.password('replication').reveal());
  const never = { ...lost, stateDir: join(root, 'new') };
  await assert.rejects(() => SecretStore.create(never), /has no secret store, and pgfar needs the accounts of pg/);
  assert.equal(alone.through(promoted).upstreamTrusted(), '', 'a promoted cluster trusts its own servers only');
});

/** The lab's members as a copy's: db1 gets WAL from elsewhere, unless `receiver` says otherwise. */
function copied(receiver: string | null = 'streaming'): Map<string, Observation> {
  const all = healthyLab();
  for (const [name, one] of all) {
    const patroni = said(one.patroni);
    const sql = said(one.sql);
    if (!patroni?.members) continue;
    const leads = name === 'db1';
    all.set(name, {
      ...one,
      patroni: {
        said: {
          ...patroni,
          self: { ...patroni.self, ...(leads ? { role: 'standby_leader' } : {}) },
          members: patroni.members.map((member) =>
            member.name === 'db1'
              ? { ...member, role: 'standby_leader', state: 'streaming' }
              : { ...member, role: 'replica' },
          ),
        },
      },
      sql: sql
        ? { said: { ...sql, receiver: leads && receiver ? { status: receiver, from: '10.1.11.10' } : null } }
        : undefined,
    });
  }
  return all;
}

test('a copy that is none, and a cluster that is one, are refused by apply and told by status', () => {
  const [plain, standby] = [takeSnapshot(healthyLab()), takeSnapshot(copied())];
  assert.equal(standby.leader?.role, 'standby_leader');
  assert.deepEqual(standbyAsDeclared(copy, standby), { ok: true });
  assert.deepEqual(standbyAsDeclared(promoted, plain), { ok: true });
  for (const [cluster, snapshot, says] of [
    [copy, plain, /db1 leads and takes writes, and .* says that this is a standby of pg/],
    [promoted, standby, /db1 leads a standby cluster, .*"hapg promote"/],
  ] as const) {
    const verdict = admitApply(cluster, snapshot, []);
    assert.ok(!verdict.ok && verdict.reasons.some((reason) => says.test(reason)), JSON.stringify(verdict));
  }
});

test('a copy is promoted when nothing of its source answers, or on demand', () => {
  const [silent, receiving] = [takeSnapshot(copied(null)), takeSnapshot(copied())];
  assert.deepEqual(mayPromote(silent, [], false), { ok: true });
  for (const [snapshot, answers] of [
    [receiving, []],
    [silent, ['10.1.11.10']],
    [receiving, ['10.1.11.10']],
  ] as const) {
    const living = mayPromote(snapshot, answers, false);
    assert.ok(!living.ok && /its source is there, at 10\.1\.11\.10, so/.test(living.reasons[0]!));
    assert.deepEqual(mayPromote(snapshot, answers, true), { ok: true });
  }
  assert.deepEqual(mayPromote(takeSnapshot(new Map()), [], true), {
    ok: false,
    reasons: ['no member leads'],
    codes: ['standing'],
  });
});

test('a cluster that takes writes is never made a copy by a changed setting', () => {
  const wanted = { ttl: 20, standby_cluster: { host: '10.1.11.10', port: 5432 } };
  assert.deepEqual(configPatch({ ttl: 30 }, wanted), { ttl: 20 });
  assert.deepEqual(configPatch({ ttl: 20, standby_cluster: { host: '10.1.11.9', port: 5432 } }, wanted), {
    standby_cluster: { host: '10.1.11.10' },
  });
});

test('the source is found in what Patroni follows, and asked at every address', () => {
  const config = `slots: {}
standby_cluster:
  create_replica_methods:
  - basebackup
  host: 10.1.11.10,10.1.11.11,10.1.12.10
  port: 5442
  primary_slot_name: hapg_standby_pgfar
synchronous_mode: true
ttl: 20`;
  const binDir = programs({
    pg_isready: 'case "$*" in *"-h 10.1.11.10 -p 5442"*) exit 0 ;; *10.1.11.11*) exit 1 ;; *) exit 2 ;; esac',
  });
  const asked = (text: string, known: Parameters<typeof askSource>[1] = []) =>
    spawnSync('sh', {
      input: `runuser() { printf '%s\\n' '${text}'; }
${askSource({ ...copy, binDir }, known)}`,
      encoding: 'utf8',
    });
  assert.deepEqual(asked(config).stdout.trim().split('\n').sort(), ['answers 10.1.11.10', 'answers 10.1.11.11']);
  assert.equal(asked('ttl: 20').stdout, '', 'a cluster that is no copy has no source');
  const moved = [
    { address: '10.1.11.10', port: 5442 },
    { address: '10.1.11.99', port: 5442 },
  ];
  assert.equal(asked('ttl: 20', moved).stdout, 'answers 10.1.11.10\n', 'nor only there: the source may have moved');
});

test('a copy is whole without synchronous standbys, and says when it gets nothing', () => {
  const lab = { ...copy, hosts: copy.hosts.map((host, n) => ({ ...host, name: `db${n + 1}` })) };
  assert.equal(lab.replication, 'async');
  assert.deepEqual(membersHealthy({ ...lab, replication: 'sync' }, takeSnapshot(copied())), { ok: true });
  assert.deepEqual(receivesWal(lab, takeSnapshot(copied())), { ok: true });
  assert.deepEqual(receivesWal(lab, takeSnapshot(copied(null))), {
    ok: false,
    reasons: ['db1 gets nothing from pg'],
    codes: ['standing'],
  });
});

test('an old Patroni, and a backup restored into a copy, are refused', () => {
  const old = { ...FACTS, versions: { ...FACTS.versions, patroni: '3.0.2' } };
  for (const cluster of [copy, main]) {
    const verdict = checkVersions(cluster, () => old, cluster.hosts);
    assert.ok(!verdict.ok && verdict.reasons.some((reason) => /standby clusters need Patroni 3\.2/.test(reason)));
    assert.deepEqual(
      checkVersions(cluster, () => FACTS, cluster.hosts),
      { ok: true },
    );
  }
  const clone = mayClone(main, copy, takeSnapshot(new Map()));
  assert.ok(!clone.ok && /pgfar is to be a standby of pg/.test(clone.reasons.join()));
});

test('a standby cluster takes over a password that was brought to its source, and keeps it when it is promoted', async () => {
  const own = (text: string) => text.replace(/{name: app}/, '{name: app, password: own}');
  const { far: there, main: source } = pair(own(COPY), own(MAIN));
  const store = await SecretStore.create(source);
  await store.setExternalSecret('user-app', new Secret('brought by somebody'));
  const copied = await SecretStore.create(there.cluster);
  await copied.complete();
  assert.equal(copied.userPassword('app').reveal(), 'brought by somebody');
  const alone = copied.through(loadInventory(there.cluster.file, [], (text) => removeKey(text, 'standby_of')).cluster);
  await alone.complete();
  assert.equal(alone.userPassword('app').reveal(), 'brought by somebody');
});
