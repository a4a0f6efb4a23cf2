import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { admitApply, checkIdentity } from '../../src/decisions/admission.ts';
import { mayStopDcs } from '../../src/decisions/dcs.ts';
import { membersHealthy } from '../../src/decisions/members.ts';
import { restartOrder } from '../../src/decisions/restart.ts';
import { bestCandidate, maySwitchOver } from '../../src/decisions/switchover.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import { immutableSettings } from '../../src/inventory/immutable.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { hostsWith } from '../../src/inventory/model.ts';
import { said } from '../../src/observe/answer.ts';
import { certificates } from '../../src/observe/certificates.ts';
import type { Observation } from '../../src/observe/index.ts';
import { statusOf } from '../../src/status/status.ts';
import { EMPTY, healthyLab, its, labCluster } from './model.ts';

const cluster = labCluster();
const NOW = Date.parse('2026-01-01T12:00:00Z');
const IDENTITY = {
  cluster: 'pglab',
  uuid: 'u1',
  generation: 4,
  authorities: { etcd: 'a', patroni: 'b', postgres: 'c', pgbackrest: 'd' },
};

/** The healthy lab with a change made to one host's observation. */
function lab(change: (all: Map<string, Observation>) => void = () => undefined) {
  const all = structuredClone(healthyLab());
  change(all);
  return takeSnapshot(all);
}
const members = (all: Map<string, Observation>) => [...all.values()].flatMap((one) => said(one.patroni)?.members ?? []);
const reasons = (verdict: Verdict): string => (verdict.ok ? 'yes' : verdict.reasons.join('; '));

test('on Patroni 3, which calls every replica running, a replica streams when the leader sends to it, however far it is behind', () => {
  /** db2 as Patroni 3.0.2 lists it, and as the leader's PostgreSQL does. */
  const stateOf = (lag: number | string, sent: string | undefined, leaderAnswers = true) => {
    const all = healthyLab();
    for (const one of all.values())
      for (const member of said(one.patroni)?.members ?? [])
        if (member.name !== 'db1') Object.assign(member, { state: 'running', lag });
    const { sql } = all.get('db1')!;
    its(sql).replication = sent ? [{ name: 'db2', state: sent, behind: 4096 }] : [];
    if (!leaderAnswers) all.set('db1', { ...all.get('db1')!, sql: undefined });
    return takeSnapshot(all).members[1]!.state;
  };
  assert.equal(stateOf(1_000_000, 'streaming'), 'streaming');
  assert.equal(stateOf(0, 'streaming'), 'streaming');
  assert.equal(stateOf(1_000_000, 'catchup'), 'running');
  assert.equal(stateOf(0, undefined), 'running', 'its connection is gone, which Patroni has not noticed yet');
  assert.equal(stateOf(0, undefined, false), 'streaming', "without the leader's word Patroni's counts");
  assert.equal(stateOf(1, undefined, false), 'running');
});

test('a healthy lab passes every gate', () => {
  assert.equal(reasons(admitApply(cluster, lab(), [])), 'yes');
  assert.equal(reasons(membersHealthy(cluster, lab())), 'yes');
  for (const name of ['db1', 'db2', 'db3']) assert.equal(reasons(mayStopDcs(cluster, name, lab())), 'yes');
  assert.equal(reasons(maySwitchOver(lab(), 'db2', true)), 'yes');
  assert.deepEqual(statusOf(cluster, lab(), new Map(), IDENTITY, NOW).problems, []);
});

const GATE: [string, (all: Map<string, Observation>) => void, RegExp][] = [
  ['a pause', (all) => void (its(all.get('db2')!.patroni).paused = true), /paused/],
  [
    'no leader',
    (all) => members(all).forEach((one) => void (one.role === 'leader' && (one.role = 'replica'))),
    /no member leads/,
  ],
  ['two leaders', (all) => void (its(all.get('db3')!.patroni).self!.role = 'primary'), /two leaders: db1 and db3/],
  [
    'a missing member',
    (all) =>
      [...all.values()].forEach(
        ({ patroni }) =>
          patroni && (its(patroni).members = its(patroni).members!.filter((member) => member.name !== 'db3')),
      ),
    /db3 is not a member/,
  ],
  [
    'a replica that does not stream',
    (all) => members(all).forEach((one) => void (one.name === 'db3' && (one.state = 'starting'))),
    /db3 is starting/,
  ],
  [
    'a replica far behind',
    (all) => members(all).forEach((one) => void (one.name === 'db3' && (one.lag = 99_999_999))),
    /db3 is streaming, 99999999 bytes behind/,
  ],
  [
    'a replica with unknown lag',
    (all) => members(all).forEach((one) => void (one.name === 'db3' && (one.lag = 'unknown'))),
    /db3 is streaming/,
  ],
  [
    'another timeline',
    (all) => members(all).forEach((one) => void (one.name === 'db3' && (one.timeline = 2))),
    /db3 is on timeline 2, the leader on 3/,
  ],
  [
    'no synchronous standby',
    (all) => members(all).forEach((one) => void (one.role === 'sync_standby' && (one.role = 'replica'))),
    /no synchronous standby/,
  ],
];
for (const [what, change, says] of GATE)
  test(`between two restarts the gate refuses ${what}`, () => {
    assert.match(reasons(membersHealthy(cluster, lab(change))), says);
    assert.equal(statusOf(cluster, lab(change), new Map(), IDENTITY, NOW).healthy, false, 'status tells it too');
  });

test('a copy that Patroni makes now, for a run that was killed, is no obstacle', () => {
  for (const [state, admitted] of [
    ['creating replica', true],
    ['initializing new cluster', true],
    ['stopped', false],
  ] as const) {
    const seen = lab((all) => {
      all.get('db2')!.dataDirectory = { said: { state: 'foreign' } };
      its(all.get('db2')!.patroni).self = { state, role: 'replica', patroni: { name: 'db2' } };
    });
    assert.equal(admitApply(cluster, seen, []).ok, admitted, state);
  }
});

const ADMIT: [string, (all: Map<string, Observation>) => void, RegExp][] = [
  ['a paused cluster', (all) => void (its(all.get('db1')!.patroni).paused = true), /paused/],
  [
    'two database systems',
    (all) => void (all.get('db3')!.dataDirectory = { said: { state: 'cluster', systemIdentifier: '7001' } }),
    /more than one database system.*db3 7001/,
  ],
  [
    'a data directory that is gone, as a missing mount looks',
    (all) => void (all.get('db2')!.dataDirectory = { said: { state: 'empty', lost: true } }),
    /db2: .* had the database of this host and is empty now: is its mount missing\?/,
  ],
  [
    'files where the data directory belongs',
    (all) => void (all.get('db2')!.dataDirectory = { said: { state: 'foreign' } }),
    /db2: .* holds files but no database/,
  ],
  [
    'an emptied DCS under databases',
    (all) => ['db1', 'db2', 'db3'].forEach((name) => void (its(all.get(name)!.dcs).initialize = undefined)),
    /initialize key is missing/,
  ],
  [
    'a DCS without quorum',
    (all) => ['db1', 'db2', 'db3'].forEach((name) => void (its(all.get(name)!.dcs).healthy = false)),
    /lost its quorum/,
  ],
  ['two leaders', (all) => void (its(all.get('db2')!.patroni).self!.role = 'primary'), /two leaders/],
];
for (const [what, change, says] of ADMIT)
  test(`apply refuses ${what}`, () => assert.match(reasons(admitApply(cluster, lab(change), [])), says));

test('apply refuses to go on beside a database when etcd is silent and another host is empty', () => {
  const silent = (all: Map<string, Observation>) =>
    ['db1', 'db2', 'db3'].forEach((name) => void (all.get(name)!.dcs = undefined));
  const replaced = lab((all) => {
    silent(all);
    all.get('db1')!.dataDirectory = { said: { state: 'absent' } };
  });
  assert.match(
    reasons(admitApply(cluster, replaced, [])),
    /db2, db3: there are databases, db1 has none, and etcd does not answer/,
  );
  assert.equal(reasons(admitApply(cluster, lab(silent), [])), 'yes', 'after a power loss every member has its data');
});

test('a new cluster is only made when all its hosts are there', () => {
  const bare = takeSnapshot(new Map([['db1', { ...EMPTY, dataDirectory: { said: { state: 'absent' as const } } }]]));
  assert.match(reasons(admitApply(cluster, bare, ['db2'])), /not asked: db2/);
  assert.equal(reasons(admitApply(cluster, bare, [])), 'yes');
});

test('identity: a store that is older than what the hosts were set up from, or changed apart from it, is refused', () => {
  const names = ['aa', 'bb', 'cc'];
  const store = { ...IDENTITY, revision: 13, revision_id: 'cc', lineage: names };
  const cases: [name: string, host: { revision?: number; revision_id?: string }, mine: object, says: RegExp][] = [
    ['the same revision', { revision: 13, revision_id: 'cc' }, store, /^yes$/],
    ['a former one of this copy', { revision: 12, revision_id: 'bb' }, store, /^yes$/],
    ['one from before what is remembered', { revision: 7, revision_id: 'xx' }, store, /^yes$/],
    ['none, for an older hapg wrote it', {}, store, /^yes$/],
    ['none on both sides', {}, IDENTITY, /^yes$/],
    [
      'a later one',
      { revision: 14, revision_id: 'dd' },
      store,
      /^db1: .* newer secret store \(revision 14, .* has 13\)/,
    ],
    [
      'one, where the store is of an older hapg',
      { revision: 1, revision_id: 'aa' },
      IDENTITY,
      /revision 1, .* has 0\)/,
    ],
    [
      'the same number of another copy',
      { revision: 13, revision_id: 'xx' },
      store,
      /db1: .* another copy .*changed apart/,
    ],
    [
      'a former number of another copy',
      { revision: 12, revision_id: 'xx' },
      store,
      /revision 12 is not the one that led to/,
    ],
  ];
  for (const [name, host, mine, says] of cases) {
    const seen = lab((all) => void (all.get('db1')!.identity = { ...IDENTITY, ...host }));
    assert.match(reasons(checkIdentity(cluster, seen, mine as typeof store)), says, name);
  }
});

test('identity: a lost secret store, another cluster, other authorities and an older inventory are refused', () => {
  const withIdentity = lab((all) => all.forEach((one) => void (one.identity = IDENTITY)));
  assert.equal(reasons(checkIdentity(cluster, withIdentity, IDENTITY)), 'yes');
  assert.match(reasons(checkIdentity(cluster, withIdentity, undefined)), /secret store is not the one/);
  assert.match(reasons(checkIdentity(cluster, lab(), undefined)), /no secret store/);
  assert.match(
    reasons(checkIdentity(cluster, withIdentity, { ...IDENTITY, generation: 3 })),
    /newer inventory was applied \(generation 4, yours is 3\)/,
  );
  assert.match(
    reasons(checkIdentity(cluster, withIdentity, { ...IDENTITY, authorities: { ...IDENTITY.authorities, etcd: 'x' } })),
    /other authorities \(etcd\)/,
  );
  const foreign = lab((all) => void (all.get('db2')!.identity = { ...IDENTITY, cluster: 'other', uuid: 'u2' }));
  assert.match(reasons(checkIdentity(cluster, foreign, IDENTITY)), /db2: belongs to another cluster, other/);
});

test('members that live and were taken out of the inventory by hand are not cut off', () => {
  const without = (name: string) => ({ ...cluster, hosts: cluster.hosts.filter((host) => host.name !== name) });
  const leaderGone = checkIdentity(without('db1'), lab(), IDENTITY);
  assert.ok(!leaderGone.ok);
  assert.deepEqual(leaderGone.reasons, [
    'db1: is a PostgreSQL member (10.1.1.10), but it is missing from the inventory, and an apply would cut it off. Put it back, then "hapg remove-node db1", with --gone where the host is lost for good',
    'db1: is a member of etcd (https://10.1.1.10:2380), but it is missing from the inventory, and an apply would cut it off. Put it back, then "hapg remove-node db1", with --gone where the host is lost for good',
  ]);
  assert.equal(reasons(checkIdentity(without('proxy2'), lab(), IDENTITY)), 'yes', 'a balancer is no member');
});

test('where data is and where DCS members find each other stays as it is while the cluster lives', () => {
  const fixed = immutableSettings(cluster, cluster.hosts[0]!);
  const applied = (all: Map<string, Observation>) => all.forEach((one) => void (one.identity = { ...IDENTITY, fixed }));
  assert.equal(reasons(checkIdentity(cluster, lab(applied), IDENTITY)), 'yes');
  for (const [path, before, after] of [
    ['postgres.data_dir', '/var/lib/postgresql/17/pglab', '/srv/pg'],
    ['postgres.version', '17', '16'],
    ['patroni.scope', 'pglab', 'other'],
    ['etcd.peer_port', '2380', '2390'],
    ['etcd.client_port', '2379', '2399'],
    ['etcd.data_dir', '/var/lib/etcd/pglab', '/srv/etcd'],
  ] as const) {
    const changed = parseInventory(readFileSync('inventory/lab.yaml', 'utf8'), 'inventory/lab.yaml', [
      `${path}=${/^\d\d$/.test(after) ? `"${after}"` : after}`,
    ]).cluster;
    const said = reasons(checkIdentity(changed, lab(applied), IDENTITY));
    assert.ok(said.includes(`db1: ${path} is ${before}, and the inventory says ${after}: that cannot be`), said);
    const bare = takeSnapshot(new Map([['db1', { ...EMPTY, identity: { ...IDENTITY, fixed } }]]));
    assert.equal(reasons(checkIdentity(changed, bare, IDENTITY)), 'yes', 'before there is anything to lose');
    const stopped = takeSnapshot(
      new Map([
        [
          'db1',
          {
            ...EMPTY,
            identity: { ...IDENTITY, fixed },
            dataDirectory: { said: { state: 'absent', noted: '/var/lib' } },
          },
        ],
      ]),
    );
    assert.match(reasons(checkIdentity(changed, stopped, IDENTITY)), /cannot be changed/, 'with everything stopped');
  }
});

test('a first apply that came no further than etcd can be corrected', () => {
  const identity = { ...IDENTITY, fixed: immutableSettings(cluster, cluster.hosts[0]!) };
  const begun = takeSnapshot(new Map([['db1', { ...EMPTY, identity, dcs: healthyLab().get('db1')!.dcs }]]));
  const changed = (override: string) =>
    parseInventory(readFileSync('inventory/lab.yaml', 'utf8'), 'inventory/lab.yaml', [override]).cluster;
  begun.exists = false;
  assert.equal(reasons(checkIdentity(changed('postgres.data_dir=/srv/pg'), begun, IDENTITY)), 'yes');
  assert.match(reasons(checkIdentity(changed('etcd.data_dir=/srv/etcd'), begun, IDENTITY)), /etcd\.data_dir/);
});

test('an etcd member is never stopped when the others would lose the quorum', () => {
  const oneDown = lab((all) => void (its(all.get('db3')!.dcs).healthy = false));
  assert.match(
    reasons(mayStopDcs(cluster, 'db1', oneDown)),
    /1 other healthy voters of 3, 2 are needed; not healthy: db3/,
  );
  assert.equal(reasons(mayStopDcs(cluster, 'db3', oneDown)), 'yes');
});

test('an etcd member whose host was not asked is not counted on', () => {
  const notAsked = lab((all) => void all.delete('db3'));
  assert.match(
    reasons(mayStopDcs(cluster, 'db1', notAsked)),
    /1 other healthy voters of 3, 2 are needed; not healthy: db3/,
  );
});

test('a switchover goes to a streaming, synchronous member without nofailover, and never in a pause', () => {
  assert.match(reasons(maySwitchOver(lab(), 'db3', true)), /no synchronous standby/);
  assert.match(reasons(maySwitchOver(lab(), 'db1', false)), /leads already/);
  assert.match(reasons(maySwitchOver(lab(), 'db9', false)), /not a member/);
  assert.match(
    reasons(
      maySwitchOver(
        lab((all) => members(all).forEach((one) => void (one.name === 'db2' && (one.tags = { nofailover: true })))),
        'db2',
        true,
      ),
    ),
    /nofailover/,
  );
  assert.match(
    reasons(
      maySwitchOver(
        lab((all) => void (its(all.get('db1')!.patroni).paused = true)),
        'db2',
        true,
      ),
    ),
    /paused/,
  );
  assert.equal(bestCandidate(lab(), true)?.name, 'db2');
  assert.equal(
    bestCandidate(
      lab((all) => members(all).forEach((one) => void (one.name === 'db2' && (one.state = 'stopped')))),
      true,
    ),
    undefined,
  );
});

test('the leader restarts first when a shared-memory setting shrinks, for its replicas cannot before it', () => {
  const order = (name: string, from: string, to: string) =>
    restartOrder(
      hostsWith(cluster, 'patroni'),
      lab(
        (all) =>
          void (its(all.get('db1')!.patroni).self!.pending_restart_reason = {
            [name]: { old_value: from, new_value: to },
          }),
      ),
    ).map((group) => group.map((host) => host.name).join());
  assert.deepEqual(order('max_connections', '200', '100'), ['db1', 'db2', 'db3']);
  assert.deepEqual(order('max_connections', '100', '200'), ['db2', 'db3', 'db1']);
  assert.deepEqual(order('shared_buffers', '200', '100'), ['db2', 'db3', 'db1']);
});

test('replicas are restarted before the leader', () => {
  assert.deepEqual(
    restartOrder(hostsWith(cluster, 'patroni'), lab()).map((group) => group.map((host) => host.name)),
    [['db2'], ['db3'], ['db1']],
  );
});

const STATUS: [string, (all: Map<string, Observation>) => void][] = [
  ['vip_nowhere', (all) => void (all.get('proxy1')!.vipHeld = { said: false })],
  ['vip_twice', (all) => void (all.get('proxy2')!.vipHeld = { said: true })],
  ['balancer', (all) => void (all.get('proxy1')!.balancer = undefined)],
  ['balancer_primary', (all) => void (its(all.get('proxy1')!.balancer)[1]!.status = 'UP')],
  ['backup', (all) => void (its(all.get('backup')!.repository).repositories[0]!.status = 2)],
  ['backup_age', (all) => void (its(all.get('backup')!.repository).backups[0]!.stop -= 864_000)],
  ['backup_timer', (all) => void its(all.get('backup')!.schedule).idle.push('pgbackrest-full.timer')],
  ['backup_space', (all) => void (its(all.get('backup')!.space)[0]!.freeBytes = 1e8)],
  ['archive_lag', (all) => void Object.assign(its(all.get('db1')!.sql).archiver, { waiting: 9, waiting_s: 900 })],
  [
    'drill',
    (all) =>
      void (all.get('backup')!.drill = {
        said: {
          ok: false,
          backup: '',
          started: 1,
          finished: 2,
          newest: null,
          restore_s: 0,
          recovery_s: 0,
          check_s: 0,
          bytes: 0,
          counts: [],
          error: 'pg_amcheck found damage',
        },
      }),
  ],
  ['archive', (all) => void (its(all.get('db1')!.sql).archiver.last_failed_time = '2026-01-01T01:00:00Z')],
  ['dcs_member', (all) => void (its(all.get('db3')!.dcs).healthy = false)],
  [
    'certificate_expiry',
    (all) => void (all.get('db1')!.certificates = { said: [{ path: '/x.crt', expires: NOW + 1000 }] }),
  ],
  [
    'certificate_damaged',
    (all) =>
      void (all.get('db1')!.certificates = certificates.read(
        '==> /x.crt <==\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        cluster,
        cluster.hosts[0]!,
      )),
  ],
  ['pending_handler', (all) => void (all.get('proxy1')!.pending = ['reload:haproxy.service'])],
  [
    'pending_restart',
    (all) => members(all).forEach((one) => void (one.name === 'db2' && (one.pending_restart = true))),
  ],
  ['tag', (all) => members(all).forEach((one) => void (one.name === 'db2' && (one.tags = { nofailover: true })))],
];
for (const [code, change] of STATUS)
  test(`status tells ${code}`, () => {
    assert.ok(
      statusOf(cluster, lab(change), new Map(), IDENTITY, NOW).problems.some((problem) => problem.code === code),
    );
  });

test('status tells of WAL that is kept for a standby cluster or anybody else who does not come', () => {
  const source = { ...cluster, settings: { ...cluster.settings, standbys: { 'far-off': ['10.2.0.0/24'] } } };
  const told = (...slots: { name: string; kept: number | null; lost?: boolean }[]) =>
    statusOf(
      source,
      lab((all) => void (its(all.get('db1')!.sql).idleSlots = slots.map((one) => ({ lost: false, ...one })))),
      new Map(),
      IDENTITY,
      NOW,
    ).problems.map(({ code, host, message }) => `${code} ${host}: ${message}`);
  assert.deepEqual(told({ name: 'hapg_standby_far_off', kept: 2 ** 20 }, { name: 'db2', kept: 2 ** 40 }), []);
  assert.deepEqual(
    told(
      { name: 'hapg_standby_far_off', kept: 3 * 2 ** 30 },
      { name: 'debezium', kept: 2 ** 30 },
      { name: 'other', kept: null, lost: true },
    ),
    [
      'idle_slot db1: the standby cluster far-off is not connected: 3.0 GiB of WAL are kept for it',
      'idle_slot db1: nobody uses the replication slot debezium: 1.0 GiB of WAL are kept for it',
      'idle_slot db1: nobody uses the replication slot other, and WAL that it needs is gone: drop the slot',
    ],
  );
});

test('status has an unreachable host among its problems', () => {
  const status = statusOf(
    cluster,
    lab((all) => void all.delete('db3')),
    new Map([['db3', 'no answer']]),
    IDENTITY,
    NOW,
  );
  assert.deepEqual(
    status.problems.map(({ code, host }) => [code, host]),
    [['unreachable', 'db3']],
  );
});

test('a host that got the address of another member is refused: two members of one name could both lead', () => {
  const moved = lab((all) => {
    const { patroni } = all.get('db2')!;
    (its(patroni).self!.patroni as { name: string }).name = 'db3';
    for (const one of all.values())
      for (const member of said(one.dcs)?.members ?? []) if (member.name === 'db2') member.name = 'db3';
  });
  const told = reasons(checkIdentity(cluster, moved, IDENTITY));
  assert.match(told, /db2: 10\.1\.1\.11 is the PostgreSQL member db3/);
  assert.match(told, /db2: 10\.1\.1\.11 is the member db3 of etcd/);
});

test('where commits wait for two standbys, one is not enough', () => {
  const two = { ...cluster, synchronousNodes: 2 };
  assert.match(reasons(membersHealthy(two, lab())), /1 synchronous standbys instead of 2/);
  const both = lab((all) => {
    for (const member of members(all)) if (member.name === 'db3') member.role = 'sync_standby';
  });
  assert.equal(reasons(membersHealthy(two, both)), 'yes');
  const marked = lab((all) => {
    for (const member of members(all)) if (member.name === 'db3') member.tags = { nosync: true };
  });
  assert.equal(reasons(membersHealthy(two, marked)), 'yes', 'one that is taken out on purpose is not waited for');
});

test('of two repositories the one without new backups is told', () => {
  const { problems } = statusOf(
    cluster,
    lab((all) => {
      const repository = its(all.get('backup')!.repository);
      repository.repositories.push({ key: 2, status: 0, message: 'ok' });
      repository.backups.push({
        ...repository.backups[0]!,
        repository: 2,
        stop: repository.backups[0]!.stop - 864_000,
      });
    }),
    new Map(),
    IDENTITY,
    NOW,
  );
  assert.match(problems.map((one) => one.message).join(), /the last one in repository 2 is of/);
});

test('an etcd member without a peer URL is no reason to stop', () => {
  const odd = lab((all) => {
    for (const one of all.values()) said(one.dcs)?.members?.push({ id: '9', name: 'odd', peer: '', learner: false });
  });
  assert.doesNotMatch(reasons(checkIdentity(cluster, odd, IDENTITY)), /is the member odd/);
});
