import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Snapshot, takeSnapshot } from '../../src/cluster/snapshot.ts';
import { checkIdentity } from '../../src/decisions/admission.ts';
import { dcsHealthy, dcsIsNew, mayStopDcs } from '../../src/decisions/dcs.ts';
import { mayRemove } from '../../src/decisions/growth.ts';
import { membersHealthy } from '../../src/decisions/members.ts';
import { maySwitchOver } from '../../src/decisions/switchover.ts';
import { unchanged } from '../../src/decisions/unchanged.ts';
import { DEFAULT_LIMITS, isForgotten, mayTakeOut, noBackupRunning, steady } from '../../src/decisions/update.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import { answerOf, asking, curlSilence } from '../../src/observe/answer.ts';
import { etcd } from '../../src/observe/etcd.ts';
import type { Observation } from '../../src/observe/index.ts';
import { patroni } from '../../src/observe/patroni.ts';
import { zookeeper } from '../../src/observe/zookeeper.ts';
import { statusOf } from '../../src/status/status.ts';
import { healthyLab, its, labCluster } from './model.ts';
import { sh } from './sh.ts';

const cluster = labCluster();
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;

/** Every verdict that lets something be done to a living cluster. */
const VERDICTS: Record<string, (snapshot: Snapshot) => Verdict> = {
  steady: (snapshot) => steady(cluster, snapshot, DEFAULT_LIMITS),
  'members healthy': (snapshot) => membersHealthy(cluster, snapshot),
  'DCS healthy': (snapshot) => dcsHealthy(cluster, snapshot),
  'no backup runs': (snapshot) => noBackupRunning(snapshot),
  'take out the leader': (snapshot) => mayTakeOut(cluster, snapshot, host('db1'), DEFAULT_LIMITS),
  'take out a replica': (snapshot) => mayTakeOut(cluster, snapshot, host('db3'), DEFAULT_LIMITS),
  'stop a member of the DCS': (snapshot) => mayStopDcs(cluster, 'db3', snapshot),
  'switch over': (snapshot) => maySwitchOver(snapshot, 'db2', true),
  remove: (snapshot) => mayRemove(cluster, snapshot, host('db3')),
};

type Change = (all: Map<string, Observation>) => void;

/** Ways in which the lab is not well; each is refused by one verdict at least. */
const ILLS: Record<string, Change> = {
  'a long transaction is open on the leader': (all) => {
    its(all.get('db1')!.sql).transaction = { seconds: 5000, user: 'app', database: 'app' };
  },
  'a backup is running': (all) => {
    its(all.get('backup')!.repository).running = true;
  },
  'a member of etcd is not healthy': (all) => {
    its(all.get('db2')!.dcs).healthy = false;
  },
  'the cluster is paused': (all) => {
    for (const name of ['db1', 'db2', 'db3']) its(all.get(name)!.patroni).paused = true;
  },
  'a replica is not streaming': (all) => {
    for (const name of ['db1', 'db2', 'db3']) {
      const patroni = its(all.get(name)!.patroni);
      patroni.members = patroni.members!.map((one) => (one.name === 'db3' ? { ...one, state: 'starting' } : one));
    }
  },
};

/** What a host can be silent about, and the hosts that know. */
const ABOUT: Partial<Record<keyof Observation, string[]>> = {
  sql: ['db1', 'db2', 'db3'],
  patroni: ['db1', 'db2', 'db3'],
  dcs: ['db1', 'db2', 'db3'],
  dataDirectory: ['db1', 'db2', 'db3'],
  repository: ['backup'],
  schedule: ['backup'],
  space: ['backup'],
  balancer: ['proxy1', 'proxy2'],
  vipHeld: ['proxy1', 'proxy2'],
  units: ['db1', 'db2', 'db3', 'proxy1', 'proxy2', 'backup', 'client'],
};
const SUBJECTS = Object.keys(ABOUT) as (keyof Observation)[];

/** Takes one answer away. */
const silenced = (one: Observation, about: keyof Observation): void =>
  void Object.assign(one, { [about]: { silent: 'no answer in time' } });

describe('an answer that does not come', () => {
  for (const [ill, makeIll] of Object.entries({ 'nothing is wrong': (() => undefined) as Change, ...ILLS }))
    for (const subject of SUBJECTS)
      for (const name of ABOUT[subject]!)
        test(`of ${name} about ${subject} makes no verdict better when ${ill}`, () => {
          const all = structuredClone(healthyLab());
          makeIll(all);
          const before = takeSnapshot(structuredClone(all));
          silenced(all.get(name)!, subject);
          const after = takeSnapshot(all);
          // The pause and the members are told by every member, so that one of them may be silent about them.
          for (const [what, judge] of Object.entries(VERDICTS))
            assert.ok(judge(before).ok || !judge(after).ok, `${what} became possible`);
        });

  for (const [ill, makeIll] of Object.entries(ILLS))
    test(`is worth testing, for some verdict is no when ${ill}`, () => {
      const all = structuredClone(healthyLab());
      makeIll(all);
      const snapshot = takeSnapshot(all);
      assert.ok(Object.values(VERDICTS).some((judge) => !judge(snapshot).ok));
    });

  for (const subject of SUBJECTS.filter((one) => one !== 'balancer'))
    test(`about ${subject} is a problem of status, which says why`, () => {
      const all = structuredClone(healthyLab());
      silenced(all.get(ABOUT[subject]![0]!)!, subject);
      const status = statusOf(cluster, takeSnapshot(all), new Map(), undefined, Date.parse('2026-01-02'));
      const told = status.problems.filter(({ code }) => code === 'unknown');
      assert.match(
        told.map(({ message }) => message).join(),
        /(does not answer|cannot be read): .*\(no answer in time\)/,
      );
      assert.equal(status.healthy, false);
    });

  for (const [subject, about] of [
    ['repository', ['members', 'balancers']],
    ['schedule', ['members']],
    ['sql', ['balancers']],
    ['dcs', ['balancers']],
    ['vipHeld', ['members']],
  ] as const)
    test(`about ${subject} is no problem of a status that is about ${about.join(' and ')}`, () => {
      const all = structuredClone(healthyLab());
      for (const name of ABOUT[subject]!) silenced(all.get(name)!, subject);
      const { problems } = statusOf(cluster, takeSnapshot(all), new Map(), undefined, Date.parse('2026-01-02'), about);
      assert.deepEqual(
        problems.filter(({ code }) => code === 'unknown'),
        [],
      );
    });

  test('of etcd does not make it a new one, whose members may be started together', () => {
    const nothingRuns = () => {
      const all = structuredClone(healthyLab());
      for (const name of ABOUT.dcs!) all.get(name)!.dcs = { said: null };
      return all;
    };
    assert.equal(dcsIsNew(cluster, takeSnapshot(nothingRuns())), true);
    const hangs = nothingRuns();
    silenced(hangs.get('db2')!, 'dcs');
    assert.equal(dcsIsNew(cluster, takeSnapshot(hangs)), false);
    const view = { healthy: false, id: '', members: undefined, initialize: undefined, failsafe: [], blind: true };
    const waits = nothingRuns();
    waits.get('db2')!.dcs = { said: { ...view, leader: '0' } };
    assert.equal(dcsIsNew(cluster, takeSnapshot(waits)), true, 'the first member waits for the others');
    waits.get('db2')!.dcs = { said: { ...view, leader: '8e9e05c52164694d' } };
    assert.equal(dcsIsNew(cluster, takeSnapshot(waits)), false, 'it has a leader');
  });

  test('does not mean that a member is forgotten', () => {
    const all = structuredClone(healthyLab());
    for (const name of ABOUT.patroni!) {
      const its = all.get(name)!.patroni!;
      if ('said' in its) its.said.members = its.said.members!.filter((member) => member.name !== 'db3');
    }
    assert.deepEqual(isForgotten(takeSnapshot(all), host('db3')), { ok: true });
    assert.equal(isForgotten(takeSnapshot(new Map()), host('db3')).ok, false, 'no host answers');
    for (const subject of ['patroni', 'dcs'] as const) {
      const silent = structuredClone(all);
      for (const name of ABOUT[subject]!) silenced(silent.get(name)!, subject);
      assert.equal(isForgotten(takeSnapshot(silent), host('db3')).ok, false, subject);
    }
  });

  test('about keys, or an error, is not their absence', () => {
    const read = (initialize: string, failsafe = '{"header":{}}') =>
      etcd.read(
        ['{"health":"true"}', '{}', '{"members":[]}', initialize, failsafe, '0'].join('\n'),
        cluster,
        host('db1'),
      );
    const blind = (answer: ReturnType<typeof read>) => 'said' in answer && answer.said?.blind === true;
    assert.equal(blind(read('{"header":{}}')), false);
    assert.equal(blind(read('{"error":"etcdserver: request timed out","code":14}')), true);
    assert.equal(blind(read('')), true);
    assert.equal(blind(read('{"header":{}}', '{"error":"etcdserver: no leader"}')), true);
  });

  test('about the host itself is always a problem', () => {
    const all = structuredClone(healthyLab());
    silenced(all.get('db1')!, 'units');
    const { problems } = statusOf(cluster, takeSnapshot(all), new Map(), undefined, Date.parse('2026-01-02'), []);
    assert.ok(problems.some(({ code }) => code === 'unknown'));
  });

  test('of PostgreSQL on the leader leaves archiving unknown, which is not "ok"', () => {
    const all = structuredClone(healthyLab());
    silenced(all.get('db1')!, 'sql');
    const { backup } = statusOf(cluster, takeSnapshot(all), new Map(), undefined, Date.parse('2026-01-02'));
    assert.equal(backup!.archive_ok, false);
  });

  test('of every Patroni does not make the members missing or the cluster leaderless', () => {
    const all = structuredClone(healthyLab());
    for (const name of ABOUT.patroni!) silenced(all.get(name)!, 'patroni');
    const { problems } = statusOf(cluster, takeSnapshot(all), new Map(), undefined, Date.parse('2026-01-02'));
    const codes = new Set(problems.map(({ code }) => code));
    assert.ok(!codes.has('no_leader') && !codes.has('member_missing'), [...codes].join());
    assert.ok(codes.has('unknown'));
  });
});

describe('what a program is asked', () => {
  const ask = (command: string, seconds = 5) => answerOf(sh(`${asking(seconds, command)}`).out);
  const cases: [what: string, command: string, expected: ReturnType<typeof answerOf>][] = [
    ['its line of JSON', `echo '{"a": 1}'`, { said: '{"a": 1}' }],
    ['its line of JSON behind warnings', `sh -c 'echo "WARNING: x" >&2; echo "[1]"'`, { said: '[1]' }],
    ['why it failed', `sh -c 'echo "FATAL: too many clients" >&2; exit 2'`, { silent: 'FATAL: too many clients' }],
    ['an answer that failed', `sh -c 'echo "[1]"; exit 1'`, { silent: '[1]' }],
    ['nothing at all', 'true', { silent: 'it ended with status 0 and said nothing' }],
    [
      'that it is not there',
      'no-such-program',
      { silent: "timeout: failed to run command 'no-such-program': No such file or directory" },
    ],
    ['an answer without a line break behind it', `printf '[1]'`, { said: '[1]' }],
  ];
  for (const [what, command, expected] of cases) test(`tells ${what}`, () => assert.deepEqual(ask(command), expected));
  test('tells nothing when half of its answer came', () => assert.ok('silent' in (ask(`printf '{"a": \\n'`) ?? {})));
  test('is not waited for longer than it may take', () =>
    assert.deepEqual(ask('sleep 10', 1), { silent: 'no answer in time' }));
  test('is undefined when it was not asked', () => assert.equal(answerOf(''), undefined));
});

describe('why curl got no answer', () => {
  test('a port on which nothing listens is an answer', () => assert.equal(curlSilence('7'), undefined));
  for (const [code, reason] of [
    ['28', 'no answer in time'],
    ['5', 'a proxy stands in the way'],
    ['99', 'curl ended with status 99'],
  ] as const)
    test(`status ${code}: ${reason}`, () => assert.equal(curlSilence(code), reason));

  test('is told for a member whose REST API is silent, and not for one that does not run', () => {
    const read = (code: string) => [
      patroni.read(`\n\n${code}\n`, cluster, host('db1')),
      etcd.read(`\n\n\n\n\n${code}\n`, cluster, host('db1')),
      zookeeper.read(`\n--\n\n--\n\n--\ncode ${code}\n`, cluster, host('db1')),
    ];
    const silent = { silent: 'no answer in time' };
    assert.deepEqual(read('28'), [silent, silent, silent]);
    assert.deepEqual(read('7'), [
      { said: { self: undefined, members: undefined, paused: false } },
      { said: null },
      { said: null },
    ]);
  });
});

describe('between the question and the answer', () => {
  const changes: [what: string, change: Change, told: RegExp][] = [
    ['a host stops answering', (all) => all.delete('db2'), /^db2 has changed .* answers → no answer/],
    [
      'the VIP moves',
      (all) => {
        all.get('proxy1')!.vipHeld = { said: false };
        all.get('proxy2')!.vipHeld = { said: true };
      },
      /the VIP has changed .* proxy1 → proxy2/,
    ],
    [
      'a replica stops streaming',
      ILLS['a replica is not streaming']!,
      /member db3 .* replica, streaming → replica, starting/,
    ],
    ['somebody pauses the cluster', ILLS['the cluster is paused']!, /failover .* on → paused/],
  ];
  for (const [what, change, told] of changes)
    test(`${what}: what was confirmed is not done`, () => {
      const all = structuredClone(healthyLab());
      change(all);
      const verdict = unchanged(takeSnapshot(healthyLab()), takeSnapshot(all));
      assert.ok(!verdict.ok);
      assert.match(verdict.reasons.join('\n'), told);
    });
  test('lag and transactions may change', () => {
    const all = structuredClone(healthyLab());
    its(all.get('db1')!.sql).replication[0]!.behind = 100_000;
    ILLS['a long transaction is open on the leader']!(all);
    assert.deepEqual(unchanged(takeSnapshot(healthyLab()), takeSnapshot(all)), { ok: true });
  });
});

test('identity is judged by the hosts that answer', () => {
  assert.ok(checkIdentity(cluster, takeSnapshot(new Map()), undefined).ok);
});

describe('hosts that are out of reach', () => {
  const problemsWithout = (names: readonly string[], change: Change = () => {}) => {
    const all = healthyLab();
    change(all);
    for (const name of names) all.delete(name);
    const away = new Map(names.map((name) => [name, 'connection refused']));
    const { problems, unknown } = statusOf(cluster, takeSnapshot(all), away, undefined, Date.parse('2026-01-02'));
    return { codes: [...new Set(problems.map(({ code }) => code))].sort(), unknown };
  };
  const nobodyHolds: Change = (all) => {
    for (const [name, seen] of all)
      if (seen.vipHeld !== undefined) all.set(name, { ...seen, vipHeld: { said: false } });
  };

  test('leave the whole cluster unknown where all of them are', () => {
    assert.deepEqual(problemsWithout(cluster.hosts.map(({ name }) => name)), {
      codes: ['unknown', 'unreachable'],
      unknown: ['members', 'dcs', 'vip', 'backup'],
    });
  });

  test('leave it unknown who has the virtual address, where nobody else has it', () => {
    assert.deepEqual(problemsWithout(['proxy2'], nobodyHolds).unknown, ['vip']);
    assert.ok(problemsWithout([], nobodyHolds).codes.includes('vip_nowhere'));
  });

  test('are no reason to call the backups unknown while their host answers', () => {
    assert.deepEqual(problemsWithout(['db3']).unknown, []);
    assert.deepEqual(problemsWithout(['backup']).unknown, ['backup']);
  });
});
