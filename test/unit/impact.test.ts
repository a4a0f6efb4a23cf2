import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeGap } from '../../src/decisions/write-gap.ts';
import type { Change } from '../../src/engine/change.ts';
import { impactOf } from '../../src/engine/impact.ts';
import type { Observation } from '../../src/observe/index.ts';
import type { Context } from '../../src/playbook.ts';
import { timing } from '../../src/timing.ts';
import { contextFor, FACTS, healthyLab, its, labCluster } from './model.ts';

const change = (host: string, step: string, more: Partial<Change> = {}): Change => ({
  host,
  stage: 'a stage',
  step,
  role: 'patroni',
  action: step.startsWith('reload ') ? 'reload' : 'restart',
  summary: '',
  knownAfterApply: false,
  ...more,
});
const members = ['db1', 'db2', 'db3'];
const restartOf = (host: string, from = '100', to = '200') =>
  change(host, `restart-pending ${host}`, { settings: [{ name: 'max_connections', from, to }] });

async function living(observations: ReadonlyMap<string, Observation> = healthyLab()): Promise<Context> {
  const context = await contextFor(labCluster(), observations);
  return { ...context, facts: () => ({ ...FACTS, versions: { ...FACTS.versions, patroni: '4.0.7-1' } }) };
}
const texts = (changes: Change[], context: Context): string[] => impactOf(changes, context).map(({ text }) => text);

test('members restart one at a time, the leader last and after a switchover, and writes pause for it', async () => {
  const restarts = ['db2', 'db3', 'db1'].map((host) => restartOf(host));
  assert.deepEqual(impactOf(restarts, await living()), [
    {
      kind: 'postgres_restart',
      hosts: ['db2', 'db3', 'db1'],
      text: 'PostgreSQL restarts on db2, db3, then on db1 after a switchover (max_connections 100 → 200)',
    },
    { kind: 'write_gap', hosts: ['db1'], text: 'expected write gap: 2-3 s' },
  ]);
});

test('replicas alone restart without a gap', async () => {
  const restarts = ['db2', 'db3'].map((host) => restartOf(host));
  assert.deepEqual(texts(restarts, await living()), [
    'PostgreSQL restarts on db2, db3, one at a time (max_connections 100 → 200)',
  ]);
});

test('a setting that replicas must not have smaller shrinks on the leader first, in place', async () => {
  const restarts = ['db1', 'db2'].map((host) => restartOf(host, '200', '100'));
  const context = await living();
  assert.deepEqual(texts(restarts, context), [
    'PostgreSQL restarts on db1 in place, then on db2 (max_connections 200 → 100)',
    'expected write gap: 2-3 s',
  ]);
  const older = { ...context, facts: () => ({ ...FACTS, versions: { ...FACTS.versions, patroni: '3.0.2-1' } }) };
  assert.match(texts(restarts, older)[0]!, /on db2, then on db1 after a switchover/, 'Patroni 3 does not tell');
});

test('a leader from which nobody may take over ends the run before it', async () => {
  const observations = healthyLab();
  for (const name of members)
    for (const member of its(observations.get(name)!.patroni).members!)
      if (member.name !== 'db1') member.state = 'stopped';
  assert.deepEqual(texts([restartOf('db1')], await living(observations)).slice(1), [
    'nobody may take over from db1 now: unless that changes, the run stops before it',
    'expected write gap: 2-3 s',
  ]);
});

test('a move of the WAL stops members as a restart does', async () => {
  const moves = ['db2', 'db1'].map((host) => change(host, 'wal-directory /data'));
  const context = await living();
  const cluster = { ...context.cluster, walDir: '/wal' };
  assert.deepEqual(texts(moves, { ...context, cluster }), [
    'PostgreSQL stops on db2, then on db1 after a switchover, while its WAL moves to /wal',
    'expected write gap: 2-3 s',
  ]);
});

test('the DCS restarts member by member, balancers and pools keep connections where they only reload', async () => {
  const changes = [
    ...members.map((host) => change(host, 'restart etcd.service')),
    ...members.map((host) => change(host, 'restart pgbouncer.service')),
    ...['proxy2', 'proxy1'].map((host) => change(host, 'reload haproxy.service')),
    ...['proxy2', 'proxy1'].map((host) => change(host, 'reload keepalived.service')),
  ];
  assert.deepEqual(texts(changes, await living()), [
    'etcd restarts one member at a time: db1, db2, db3; its quorum is kept',
    'PgBouncer restarts on db1, db2, db3, one at a time: its connections end',
    'HAProxy reloads on proxy2, proxy1; connections are kept',
    'the VIP may move: keepalived reads its configuration again on proxy1, which holds it',
  ]);
});

test('logins are felt: access rules, passwords, and firewall rules that go', async () => {
  const changes = [
    change('db1', 'firewall ufw', { action: 'update', before: 'allow 5432\nallow 22', after: 'allow 22' }),
    change('db2', 'firewall ufw', { action: 'update', before: 'allow 22', after: 'allow 22\nallow 5432' }),
    change('db1', 'member-settings x', { action: 'update', before: 'host all', after: 'hostssl all' }),
    change('db2', 'member-settings x', { action: 'update', summary: 'work_mem set by ALTER SYSTEM → reset' }),
    change('db1', 'sql-objects x', { action: 'update', summary: 'create user b; password of user app' }),
  ];
  assert.deepEqual(texts(changes, await living()), [
    'the firewall takes rules away on db1: new connections that only they allowed are refused',
    'access rules (pg_hba) change on db1: new connections go by them',
    'the password of app changes: new logins need the new one',
  ]);
});

test('a new replica copies the database; a stopped one starts', async () => {
  const observations = healthyLab();
  observations.set('db3', { ...observations.get('db3')!, dataDirectory: { said: { state: 'absent' } as never } });
  const changes = ['db2', 'db3'].map((host) => change(host, 'unit patroni.service', { action: 'create' }));
  assert.deepEqual(texts(changes, await living(observations)), [
    'PostgreSQL starts on db2',
    'db3 copies the whole database, a load on disks and network',
  ]);
});

test('a first apply makes a cluster, and is felt by whom the hosts served before', async () => {
  const context = await contextFor(labCluster());
  const changes = [
    change('db1', 'firewall ufw', { action: 'create' }),
    ...members.map((host) => change(host, 'unit patroni.service', { action: 'create' })),
  ];
  assert.deepEqual(texts(changes, context), [
    'a first apply: a new cluster is made',
    'the firewall is turned on on db1',
  ]);
});

test('files, directories, packages and reloads of Patroni are not felt', async () => {
  const changes = [
    change('db1', 'file /etc/patroni/config.yml', { action: 'update' }),
    change('db1', 'packages patroni', { action: 'create' }),
    change('db1', 'reload patroni.service'),
  ];
  assert.deepEqual(texts(changes, await living()), []);
});

test('the write gap grows with the checks of the balancer', () => {
  const gap = (rto: 'fast' | 'norm' | 'wide', balanced: boolean) => writeGap(timing(rto, {}, false), balanced);
  assert.deepEqual(gap('fast', true), { least: 2, most: 3 });
  assert.deepEqual(gap('norm', true), { least: 2, most: 4 });
  assert.deepEqual(gap('wide', true), { least: 2, most: 5 });
  assert.deepEqual(gap('wide', false), { least: 2, most: 3 });
});
