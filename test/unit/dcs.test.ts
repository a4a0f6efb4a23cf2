import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { apply } from '../../playbooks/apply.ts';
import { deleteExternalKeys } from '../../playbooks/dcs/external.ts';
import { auditRules } from '../../roles/hardening/audit-rules.ts';
import { patroniCertificates } from '../../roles/patroni/certificates.ts';
import { dcsClientPackage, dcsSection } from '../../roles/patroni/dcs-connection.ts';
import { serverId, zookeeper } from '../../roles/zookeeper/zookeeper.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { admitApply, checkIdentity } from '../../src/decisions/admission.ts';
import { dcsHealthy, dcsIsNew, mayStopDcs } from '../../src/decisions/dcs.ts';
import { checkVersions } from '../../src/decisions/equipment.ts';
import { findDamage } from '../../src/decisions/repair.ts';
import { allSteps } from '../../src/engine/plan.ts';
import type { Identity } from '../../src/identity.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { type Cluster, dcsHosts, hostsWith } from '../../src/inventory/model.ts';
import { said } from '../../src/observe/answer.ts';
import { joinDcs } from '../../src/observe/dcs.ts';
import { dcsKeys } from '../../src/observe/dcs-keys.ts';
import { etcd } from '../../src/observe/etcd.ts';
import type { Observation } from '../../src/observe/index.ts';
import { zookeeper as zookeeperAnswer } from '../../src/observe/zookeeper.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { contextFor, EMPTY, FACTS, its, labCluster } from './model.ts';

const zoo = parseInventory(readFileSync('inventory/zookeeper.yaml', 'utf8'), 'inventory/zookeeper.yaml').cluster;

/** The lab's hosts without a DCS of their own, and a DCS elsewhere. */
const external = (dcs: string): Cluster =>
  labCluster(
    ['cluster: pglab\n', `cluster: pglab\ndcs: ${dcs}\n`],
    ['3001}, roles: [etcd, patroni]', '3001}, roles: [patroni]'],
    ['3002}, roles: [etcd, patroni]', '3002}, roles: [patroni]'],
    ['3003}, roles: [etcd, patroni]', '3003}, roles: [patroni]'],
  );

/** What ZooKeeper's AdminServer says on member `id`, as its three commands print it. */
const admin = (id: number, phase: string, members: Record<number, string>, leader = 1): string =>
  [
    JSON.stringify({ myid: id, voting: true, zabstate: phase, error: null }, null, 2),
    JSON.stringify({ is_leader: id === leader, leader_id: leader, error: null }, null, 2),
    JSON.stringify({
      current_config: Object.fromEntries(
        Object.entries(members).map(([number, address]) => [
          number,
          { server_addresses: [`${address}:2888`], learner_type: 'participant' },
        ]),
      ),
    }),
  ].join('\n--\n');

/** What a host says of the DCS, from what its programs printed. */
const answered = (
  { etcd: member, zookeeper: server, keys }: { etcd?: string; zookeeper?: string; keys?: string | undefined },
  cluster: Cluster,
) =>
  joinDcs(
    {
      etcd: member === undefined ? undefined : etcd.read(member, cluster, cluster.hosts[0]!),
      zookeeper: server === undefined ? undefined : zookeeperAnswer.read(server, cluster, cluster.hosts[0]!),
      keys: keys === undefined ? undefined : dcsKeys.read(keys, cluster, cluster.hosts[0]!),
    },
    cluster,
  );

const WHOLE = { 1: '10.1.5.10', 2: '10.1.5.11', 3: '10.1.5.12' };
const observed = (phases: Record<string, string | undefined>, members: Record<number, string> = WHOLE) =>
  takeSnapshot(
    new Map(
      Object.entries(phases).map(([host, phase], index): [string, Observation] => [
        host,
        {
          ...EMPTY,
          dcs: phase ? answered({ zookeeper: admin(index + 1, phase, members) }, zoo) : undefined,
        },
      ]),
    ),
  );
const all = { db1: 'broadcast', db2: 'broadcast', zk3: 'broadcast' };

test('auditd gets every rule once, whatever the DCS is: it ends at the first one that it has', () => {
  for (const cluster of [
    labCluster(),
    external('{kind: etcd, external: ["etcd.example.com:2379"]}'),
    external('{kind: consul, external: ["127.0.0.1:8500"], tls: false}'),
  ]) {
    const rules = auditRules(cluster)
      .split('\n')
      .filter((line) => line.startsWith('-w'));
    assert.deepEqual(rules, [...new Set(rules)]);
    const watched = rules.map((rule) => rule.split(' ')[1]);
    assert.ok(watched.includes('/etc/patroni') && watched.includes('/etc/hapg'));
    assert.equal(watched.includes('/etc/etcd'), !cluster.dcs.external);
  }
});

test('a ZooKeeper ensemble is seen with its members, its leader and its quorum', () => {
  const { dcs } = observed(all);
  assert.equal(dcs.quorum, true);
  assert.deepEqual(
    dcs.members.map(({ id, name, healthy, leader }) => [id, name, healthy, leader]),
    [
      ['1', 'db1', true, true],
      ['2', 'db2', true, false],
      ['3', 'zk3', true, false],
    ],
  );
  assert.deepEqual(dcsHealthy(zoo, observed(all)), { ok: true });
});

test('a member that looks for a leader is not healthy; none of another may be stopped meanwhile', () => {
  const snapshot = observed({ ...all, zk3: 'election' });
  assert.deepEqual(dcsHealthy(zoo, snapshot), {
    ok: false,
    reasons: ['ZooKeeper on zk3 is not healthy'],
    codes: ['dcs'],
  });
  assert.equal(mayStopDcs(zoo, 'db1', snapshot).ok, false);
  assert.equal(mayStopDcs(zoo, 'zk3', snapshot).ok, true);
  assert.equal(observed({ db1: 'election', db2: undefined, zk3: undefined }).dcs.quorum, false);
});

test('a member keeps its number; a new one gets the first that is free', () => {
  const [db1, , zk3] = dcsHosts(zoo) as [never, never, (typeof zoo.hosts)[number]];
  assert.equal(serverId(db1, zoo, observed({})), 1);
  assert.equal(serverId(zk3, zoo, observed({})), 3);
  assert.equal(serverId(zk3, zoo, observed({ db1: 'broadcast' }, { 1: '10.1.5.10', 7: '10.1.5.12' })), 7);
  assert.equal(serverId(zk3, zoo, observed({ db1: 'broadcast' }, { 1: '10.1.5.10', 3: '10.1.5.11' })), 2);
});

test('the first members find each other; one that joins is told of those that are there', async () => {
  const found = async (snapshot: ReturnType<typeof observed>) => {
    const context = { ...(await contextFor(zoo)), snapshot };
    const step = zookeeper(dcsHosts(zoo)[2]!, context).find((one) => one.id.endsWith('members.initial'))!;
    return step.want.content;
  };
  assert.equal(
    await found(observed({})),
    'server.1=10.1.5.10:2888:3888:participant;127.0.0.1:2181\nserver.2=10.1.5.11:2888:3888:participant;127.0.0.2:2181\nserver.3=10.1.5.12:2888:3888:participant;127.0.0.3:2181\n',
  );
  assert.equal(
    await found(observed({ db1: 'broadcast', db2: 'broadcast' }, { 1: '10.1.5.10', 3: '10.1.5.11' })),
    'server.1=10.1.5.10:2888:3888:participant;127.0.0.1:2181\nserver.3=10.1.5.11:2888:3888:participant;127.0.0.3:2181\nserver.2=10.1.5.12:2888:3888:participant;127.0.0.2:2181\n',
  );
});

test('while the first database is made, etcd has an initialize key without a value', () => {
  const lines = (range: string) =>
    ['{"health":"true"}', '{"header":{"member_id":"1"},"leader":"1"}', '{"members":[]}', range, '{}'].join('\n');
  const initialize = (range: string) => said(answered({ etcd: lines(range) }, labCluster()))?.initialize;
  assert.equal(initialize('{"kvs":[{"key":"L3NlcnZpY2U=","version":"1"}],"count":"1"}'), undefined);
  assert.equal(initialize('{"kvs":[{"key":"L3NlcnZpY2U=","value":"NzAwMA=="}],"count":"1"}'), '7000');
});

test('keys behind another protocol are read from what Patroni says', () => {
  const consul = external('{kind: consul, external: ["127.0.0.1:8500"], tls: false}');
  const keys = (text: string) => said(answered({ keys: text }, consul)) ?? undefined;
  assert.deepEqual(keys('+ Cluster: pglab (7000) ---+----+\n{"db1": "https://10.1.1.10:8008/patroni"}\n'), {
    healthy: true,
    id: '',
    leader: '',
    members: undefined,
    initialize: '7000',
    failsafe: ['db1'],
  });
  assert.equal(keys('+ Cluster: pglab (uninitialized) ---+\n')?.initialize, undefined);
  assert.equal(keys('+ Cluster: pglab (uninitialized) ---+\n')?.healthy, true);
  assert.equal(keys('\n'), undefined);
});

test('a DCS of somebody else has no members here, and is well when it answers', () => {
  const cluster = external('{kind: etcd, external: ["etcd.example.com:2379"]}');
  const look = (dcs: Observation['dcs']) => takeSnapshot(new Map([['db1', { ...EMPTY, dcs }]]));
  const answers = {
    said: { healthy: true, id: '', leader: '', members: undefined, initialize: undefined, failsafe: [] },
  };
  assert.deepEqual(dcsHealthy(cluster, look(answers)), { ok: true });
  assert.deepEqual(dcsHealthy(cluster, look(undefined)), {
    ok: false,
    reasons: ['etcd does not answer'],
    codes: ['dcs'],
  });
});

for (const [what, dcs, section, client] of [
  [
    'an etcd with a user',
    '{kind: etcd, external: ["10.0.0.1:2379", "10.0.0.2:2379"], user: patroni}',
    { etcd3: { hosts: ['10.0.0.1:2379', '10.0.0.2:2379'], protocol: 'https', username: 'patroni' } },
    'python3-etcd',
  ],
  [
    'a ZooKeeper with a user',
    '{kind: zookeeper, external: ["10.0.0.1:2281"], user: patroni}',
    { zookeeper: { hosts: ['10.0.0.1:2281'], use_ssl: true } },
    'python3-kazoo',
  ],
  [
    'a Consul with a token',
    '{kind: consul, external: ["10.0.0.1:8501"], token: true}',
    { consul: { host: '10.0.0.1:8501', scheme: 'https' } },
    'python3-consul',
  ],
] as const)
  test(`Patroni is shown the way to ${what}; what opens it stays secret`, async () => {
    const cluster = external(dcs);
    const text = JSON.stringify(dcsSection(await contextFor(cluster)));
    for (const [kind, values] of Object.entries(section))
      for (const [key, value] of Object.entries(values))
        assert.ok(text.includes(`"${key}":${JSON.stringify(value)}`), `${kind} ${key}: ${text}`);
    assert.match(text, /password|auth_data|token/);
    assert.equal(dcsClientPackage(cluster), client);
    const steps = patroniCertificates(cluster.hosts[0]!, await contextFor(cluster));
    assert.ok(!steps.some((one) => /-client|etcd-ca/.test(one.id)), 'no certificate of ours is for a DCS of others');
  });

test("ZooKeeper's members and Patroni prove who they are with certificates of one authority", async () => {
  const context = await contextFor(zoo);
  assert.deepEqual(dcsSection(context), {
    zookeeper: {
      hosts: ['10.1.5.10:2281', '10.1.5.11:2281', '10.1.5.12:2281'],
      use_ssl: true,
      verify: true,
      cacert: '/etc/patroni/pki/zookeeper-ca.crt',
      cert: '/etc/patroni/pki/zookeeper-client.crt',
      key: '/etc/patroni/pki/zookeeper-client.key',
    },
  });
  assert.deepEqual(Object.keys(context.secrets.identity().authorities), [
    'zookeeper',
    'patroni',
    'postgres',
    'pgbackrest',
  ]);
  assert.equal(hostsWith(zoo, 'etcd').length, 0);
});

for (const cluster of [zoo, labCluster()])
  test(`whatever restarts ${cluster.dcs.label} stands in the stage that keeps its quorum`, async () => {
    const context = await contextFor(cluster);
    const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };
    const stages = dcsHosts(cluster).flatMap((host) =>
      allSteps(apply, host, context, scope).flatMap(({ stage, steps }) =>
        steps.flatMap((one) => one.notify).some(({ unit }) => /^(etcd|zookeeper)/.test(unit)) ? [stage.name] : [],
      ),
    );
    assert.deepEqual([...new Set(stages)], ['dcs']);
  });

test('members that cannot be seen while the DCS lives are not restarted, one by one or together', () => {
  const unseen = takeSnapshot(
    new Map([['db1', { ...EMPTY, dcs: answered({ keys: '+ Cluster: pgzoo (7000) --+\n' }, zoo) }]]),
  );
  assert.equal(unseen.initialize, '7000');
  assert.equal(unseen.dcs.quorum, false, 'Patroni does not speak for a quorum of our own');
  const stage = apply.find((one) => one.name === 'dcs')!;
  const context = { cluster: zoo, snapshot: unseen } as Parameters<NonNullable<typeof stage.order>>[1];
  assert.deepEqual(
    stage.order!(dcsHosts(zoo), context).map((group) => group.length),
    [1, 1, 1],
  );
  assert.equal(stage.gate!([dcsHosts(zoo)[0]!], context).ok, false);
});

test('ZooKeeper that does not answer may be a living one, so its members are not started together', () => {
  const each = (server: string) =>
    takeSnapshot(
      new Map(
        dcsHosts(zoo).map(({ name }) => [
          name,
          { ...EMPTY, dcs: answered({ zookeeper: server, keys: 'asked\n' }, zoo) },
        ]),
      ),
    );
  assert.equal(dcsIsNew(zoo, each('\n--\ncode 7\n')), true, 'no member runs, so nobody reads its keys');
  assert.equal(dcsIsNew(zoo, each('\n--\ncode 28\n')), false, 'they run and are stuck');
});

const IDENTITY = { cluster: 'pgzoo', uuid: 'u', generation: 1, authorities: {} };
const withData = (dcs: Observation['dcs'], identity: Partial<Identity> = {}) =>
  takeSnapshot(
    new Map<string, Observation>([
      [
        'db1',
        {
          ...EMPTY,
          identity: { ...IDENTITY, dcs: 'zookeeper', ...identity },
          dataDirectory: { said: { state: 'cluster', systemIdentifier: '7000', led: true } },
          dcs,
        },
      ],
    ]),
  );
const seen = (keys: string | undefined, phase = 'broadcast') =>
  answered({ zookeeper: admin(1, phase, WHOLE), keys }, zoo);
const reasons = (one: ReturnType<typeof admitApply>) => (one.ok ? '' : one.reasons.join('; '));

test('another DCS under a living cluster is refused: members of both could lead', () => {
  assert.match(
    reasons(checkIdentity(zoo, withData(undefined, { dcs: undefined as never }), IDENTITY)),
    /the DCS is etcd, and the inventory says zookeeper/,
  );
  assert.equal(reasons(checkIdentity(zoo, withData(undefined), IDENTITY)), '');
});

test('without a quorum of ZooKeeper nothing is begun beside a database', () => {
  const electing = its(seen(undefined, 'election'));
  assert.match(
    reasons(admitApply(zoo, withData({ said: { ...electing, members: undefined } }), [])),
    /ZooKeeper has lost its quorum/,
  );
});

test('what could not be read is not taken for empty', () => {
  assert.match(reasons(admitApply(zoo, withData(seen(undefined)), [])), /no database host can read its keys/);
  assert.match(
    reasons(admitApply(zoo, withData(seen('+ Cluster: pgzoo (uninitialized) --+\n')), [])),
    /its initialize key is missing/,
  );
  assert.equal(reasons(admitApply(zoo, withData(seen('+ Cluster: pgzoo (7000) --+\n')), [])), '');
});

test("repair sends a person elsewhere when the DCS is not the cluster's own", () => {
  const cluster = external('{kind: etcd, external: ["etcd.example.com:2379"]}');
  const found = (dcs: Observation['dcs']) => findDamage(cluster, withData(dcs), new Map());
  assert.match(reasons(found(undefined).verdict), /does not answer, and is not this cluster's own/);
  const empty = answered({ keys: '+ Cluster: pglab (uninitialized) --+\n' }, cluster);
  assert.match(reasons(found(empty).verdict), /bring its keys back there \(\/service\/pglab\/\)/);
  assert.deepEqual(found(empty).damages, []);
});

test('keys of a group of Citus are read from its own heading', () => {
  const text = '+ Citus cluster: sharded (group: 1, 7000) --+\n';
  assert.equal(said(answered({ keys: text }, external('{kind: consul, external: ["c:8500"]}')))?.initialize, '7000');
});

test('an old Patroni, which does not tell whose keys are there, goes with etcd only', () => {
  const old = { ...FACTS, versions: { ...FACTS.versions, patroni: '3.0.2' } };
  assert.match(reasons(checkVersions(zoo, () => old, zoo.hosts)), /dcs: zookeeper needs Patroni 3\.1\.1/);
  assert.doesNotMatch(reasons(checkVersions(labCluster(), () => old, labCluster().hosts)), /3\.1\.1/);
});

for (const [what, title, code, removes] of [
  ['its own', '+ Cluster: pglab (7000) --+', 0, true],
  ['its own, as a group of Citus', '+ Citus cluster: pglab (group: 1, 7000) --+', 0, true],
  ['none', '+ Cluster: pglab (uninitialized) --+', 0, false],
  ['those of another database', '+ Cluster: pglab (8000) --+', 1, false],
  ['nobody knows what, for there is no answer', '', 1, false],
] as const)
  test(`in a DCS of others there are ${what}: keys are ${removes ? 'removed' : 'left alone'}`, () => {
    const fake = `runuser() { case "$*" in *' list '*) echo '${title}' ;; *' remove '*) echo removed >&2 ;; esac; }; mkdir() { :; }`;
    const script = deleteExternalKeys(external('{kind: consul, external: ["c:8500"]}'), ['7000'], 'now').replace(
      /> \/var\S+/,
      '>/dev/null',
    );
    const seenBySh = script.replaceAll('2>&1', '');
    const { status, stderr } = spawnSync('sh', { input: `${fake}\n${seenBySh}`, encoding: 'utf8' });
    assert.equal(status, code, stderr);
    assert.equal(stderr, removes ? 'removed\n' : '');
  });
