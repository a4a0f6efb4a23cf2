import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeOutOfService } from '../../playbooks/out-of-service.ts';
import { retire } from '../../playbooks/remove-node.ts';
import { patroni, patroniPrepare } from '../../roles/patroni/patroni.ts';
import { STUCK_S } from '../../src/bounds/copy.ts';
import { checkpoint, shutdown } from '../../src/bounds/postgres.ts';
import { waits } from '../../src/bounds/waits.ts';
import { type Snapshot, takeSnapshot } from '../../src/cluster/snapshot.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import type { Operation } from '../../src/engine/operation.ts';
import { quote } from '../../src/shell/quote.ts';
import type { FileWant } from '../../src/steps/file.ts';
import type { ReadyWant } from '../../src/steps/ready.ts';
import { FakeClock } from '../support/fake-machine.ts';
import { contextFor, FACTS, healthyLab, labCluster } from './model.ts';
import { sh } from './sh.ts';

const cluster = labCluster();
const db3 = cluster.hosts.find(({ name }) => name === 'db3')!;
const MEMORY = 256 * 1024 ** 3;

/** An operation that writes down what is done; `kept` says whether the undos of db3 are still armed, look after look. */
function operation(kept: boolean[]) {
  const done: string[] = [];
  const judges = new Map<string, (snapshot: Snapshot) => Verdict>();
  const bounds = new Map<string, number | undefined>();
  const op = {
    cluster,
    clock: new FakeClock(),
    armUndo: async (_host: unknown, name: string) => void done.push(`arm ${name}`),
    keepUndo: async (_host: unknown, name: string) => (name === 'update' ? (kept.shift() ?? true) : true),
    ask: async () => '',
    step: async (_host: unknown, step: string, _role: string, _action: string, work: (remote: unknown) => unknown) => {
      done.push(step);
      return work({ run: async (_script: string, seconds?: number) => bounds.set(step, seconds) });
    },
    until: async (_host: unknown, what: string, _seconds: number, judge: (snapshot: Snapshot) => Verdict) => {
      done.push(`until ${what}`);
      judges.set(what, judge);
    },
  };
  return { op: op as unknown as Operation, done, bounds, judges, clock: op.clock };
}

const ASIDE = [
  'arm update',
  'drain reads',
  'arm drain-db3',
  'arm drain-db3',
  'until drain',
  'mark',
  'until mark',
  'checkpoint',
];
const takeOut = (op: Operation, done: string[]) =>
  takeOutOfService(op, db3, waits(cluster.timing), MEMORY, async () => void done.push('stop'));

describe('a member that is taken out of service', () => {
  test('steps aside once and is stopped, where its undos live', async () => {
    const { op, done, bounds } = operation([]);
    await takeOut(op, done);
    assert.deepEqual(done, [...ASIDE, 'stop']);
    assert.equal(bounds.get('checkpoint'), checkpoint(MEMORY));
  });

  test('steps aside again before it is stopped, where its undo has run meanwhile', async () => {
    const { op, done } = operation([false]);
    await takeOut(op, done);
    assert.deepEqual(done, [...ASIDE, ...ASIDE, 'stop']);
  });

  test('is stopped again, where its undo has started it meanwhile', async () => {
    const { op, done } = operation([true, false]);
    await takeOut(op, done);
    assert.deepEqual(done, [...ASIDE, 'stop', ...ASIDE, 'stop']);
  });

  test('counts as free of reads only when every balancer reports it, or when its time is over', async () => {
    const { op, done, judges, clock } = operation([]);
    await takeOut(op, done);
    const drained = judges.get('drain')!;
    const all = healthyLab();
    assert.deepEqual(drained(takeSnapshot(all)), { ok: true });
    all.get('proxy2')!.balancer = { silent: 'no answer in time' };
    assert.match(JSON.stringify(drained(takeSnapshot(all))), /HAProxy on proxy2 does not report the open reads/);
    await clock.sleep(waits(cluster.timing).drain * 1000);
    assert.deepEqual(drained(takeSnapshot(all)), { ok: true });
  });

  test('is given up after three tries', async () => {
    const { op, done } = operation([false, false, false]);
    await assert.rejects(takeOut(op, done), /its undo ran in between again and again/);
    assert.ok(!done.includes('stop'));
  });
});

describe('a host that is removed', () => {
  /** Retires db3, whose undos live as `kept` says, look after look. */
  async function retired(kept: boolean[]): Promise<string[]> {
    const { op, done } = operation(kept);
    const whole = Object.assign(op, {
      stage: () => undefined,
      observe: async () => takeSnapshot(healthyLab()),
      isUnreachable: () => false,
      callOffUndo: async (_host: unknown, name: string) => void done.push(`call off ${name}`),
      runUndo: async ({ name }: { name: string }, undo: string) => void done.push(`${name}: run ${undo}`),
    });
    await retire(whole, db3, waits(cluster.timing));
    return done;
  }
  const LEAVES = ['leave patroni', 'until leaving the member list'];
  const GOES = [
    'etcd member db3 leaves',
    'services off',
    'call off update',
    'proxy1: run drain-db3',
    'proxy2: run drain-db3',
  ];

  test('leaves once its undos live until it is gone', async () => {
    assert.deepEqual(await retired([]), [...ASIDE, ...LEAVES, ...GOES]);
  });

  test('leaves again, where its undo has started it meanwhile', async () => {
    assert.deepEqual(await retired([true, false]), [...ASIDE, ...LEAVES, ...ASIDE, ...LEAVES, ...GOES]);
  });
});

describe('a member that copies the database', () => {
  test('is judged by its progress and its size, also where an apply makes it', async () => {
    const context = { ...(await contextFor(cluster)), databaseBytes: 10e12 };
    const step = patroni(db3, context).find(({ id }) => id === 'ready postgresql')!;
    const { copies } = step.want as ReadyWant;
    assert.equal(copies?.directory, db3.dataDir);
    assert.equal(copies?.totalBytes, 10e12);
    assert.ok(copies!.stuckSeconds >= STUCK_S);
  });
});

describe('a member is ready', () => {
  const self = (role: string, timeline: number, replication = 'streaming') =>
    `{"state": "running", "role": "${role}", "timeline": ${timeline}, "replication_state": "${replication}", "patroni": {"name": "db3"}}`;
  const all = (role: string, timeline: number) =>
    `{"members": [{"name": "db2", "role": "replica", "timeline": 3}, {"name": "db1", "role": "${role}", "state": "running", "port": 5432, "timeline": ${timeline}}], "scope": "shop"}`;
  const isReady = async (its: string, others: string) => {
    const step = patroni(db3, await contextFor(cluster)).find(({ id }) => id === 'ready postgresql')!;
    const { check } = step.want as ReadyWant;
    return sh(`HAPG_PATRONI=${quote(its)} HAPG_CLUSTER=${quote(others)}\n${check}`).code === 0;
  };

  test("when it streams on its leader's timeline", async () => {
    assert.ok(await isReady(self('replica', 11), all('leader', 11)));
    assert.ok(await isReady(self('replica', 11), all('standby_leader', 11)));
    assert.ok(await isReady(self('replica', 12), all('leader', 11)), 'the leader has not told the DCS yet');
  });

  test('not while it streams the end of the timeline before, nor without a leader, nor from the archive', async () => {
    assert.equal(await isReady(self('replica', 9), all('leader', 11)), false);
    assert.equal(await isReady(self('replica', 11), all('replica', 11)), false);
    assert.equal(await isReady(self('replica', 11), ''), false);
    assert.equal(await isReady(self('replica', 11, 'in archive recovery'), all('leader', 11)), false);
  });
});

test('systemd gives a member as long to stop as its shared memory takes to be written, and no less than before', async () => {
  const said = 'shared_buffers: 128MB';
  for (const [memoryBytes, setting, seconds] of [
    [MEMORY, said, 300],
    [16 * 1024 ** 3, '', 300],
    [MEMORY, '', shutdown(MEMORY / 4)],
    [16 * 1024 ** 3, 'shared_buffers: 64GB', shutdown(64 * 1024 ** 3)],
  ] as const) {
    const made = labCluster([said, setting]);
    const context = { ...(await contextFor(made)), facts: () => ({ ...FACTS, memoryBytes }) };
    const text = patroniPrepare(made.hosts.find(({ name }) => name === 'db3')!, context)
      .map(({ want }) => (want as FileWant).content)
      .find((content) => content !== undefined);
    assert.match(String(text), new RegExp(`^TimeoutStopSec=${seconds}$`, 'm'));
  }
});
