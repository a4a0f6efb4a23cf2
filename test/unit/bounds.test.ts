import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { outOfServiceUndo } from '../../playbooks/out-of-service.ts';
import { aside, copy, replica, STUCK_S, transfer } from '../../src/bounds/copy.ts';
import { ASK_S, OBSERVE_S } from '../../src/bounds/hosts.ts';
import {
  calm,
  changing,
  checksSettle,
  dcsMember,
  election,
  gate,
  join,
  lasting,
  marked,
  memberExpiry,
  reconnected,
  settles,
  slots,
  switched,
} from '../../src/bounds/patroni.ts';
import {
  back,
  checkpoint,
  restart,
  restarts,
  START_ALL_S,
  shutdown,
  stop,
  switchover,
} from '../../src/bounds/postgres.ts';
import { BEAT_S, undoFor } from '../../src/bounds/undo.ts';
import { waits } from '../../src/bounds/waits.ts';
import { type Rto, timing } from '../../src/timing.ts';

const GB = 1e9;
const TB = 1e12;
const DAY = 86_400;

const OF_DATABASE = { copy, transfer, aside, replica };
const OF_MEMORY = {
  checkpoint,
  shutdown,
  stop,
  restart,
  back,
  switchover,
  restarts,
  asideUndo: outOfServiceUndo,
};
const OF_TIMING = {
  settles,
  reconnected,
  marked,
  memberExpiry,
  election,
  switched,
  gate,
  join,
  dcsMember,
  lasting,
  changing,
  calm,
  checksSettle,
  slots,
};

test('a copy of 1 GB, of 100 GB and of 10 TB may take as long as a slow disk needs for it', () => {
  const table = [GB, 100 * GB, 10 * TB].map((bytes) => ({
    copy: copy(bytes),
    replica: replica(bytes),
    transfer: transfer(bytes),
    aside: aside(bytes),
  }));
  assert.deepEqual(table, [
    { copy: 50, replica: 7 * DAY, transfer: 7 * DAY, aside: DAY },
    { copy: 5000, replica: 7 * DAY, transfer: 7 * DAY, aside: DAY },
    { copy: 500_000, replica: 1_500_000, transfer: 1_000_000, aside: 1_000_000 },
  ]);
});

test('a member with 128 MB of shared memory has the bounds that every member had, one with 64 GB those that it needs', () => {
  const small = Object.fromEntries(Object.entries(OF_MEMORY).map(([name, of]) => [name, of(128 * 1024 ** 2)]));
  assert.deepEqual(small, {
    checkpoint: 600,
    shutdown: 300,
    stop: 330,
    restart: 420,
    back: 120,
    switchover: 120,
    restarts: 1620,
    asideUndo: 660,
  });
  // 64 GiB at 20 MB/s are 3436 s.
  assert.ok(shutdown(64 * 1024 ** 3) > 3436 && checkpoint(64 * 1024 ** 3) > 3436);
  for (const [name, of] of Object.entries(OF_MEMORY)) assert.ok(of(64 * 1024 ** 3) > 3436, name);
  assert.equal(shutdown(undefined), shutdown(64 * 1024 ** 3), 'memory that nobody has reported may be much');
});

const sensible = (seconds: number): boolean => Number.isFinite(seconds) && seconds >= 0;
const bytes = fc.double({ min: 0, max: 1e16, noNaN: true });

for (const [name, of] of Object.entries({ ...OF_DATABASE, ...OF_MEMORY }))
  test(`the bound "${name}" is a number that is not below 0 and does not fall while sizes grow`, () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        const [less, more] = [of(Math.min(one, other)), of(Math.max(one, other))];
        return sensible(less) && sensible(more) && less <= more;
      }),
    );
    for (const odd of [undefined, 0, -1, Number.NaN]) assert.ok(sensible(of(odd)), `${name}(${odd})`);
  });

test('bounds of what Patroni and the DCS do are positive numbers and do not fall while their timing grows', () => {
  const second = fc.integer({ min: 1, max: 600 });
  fc.assert(
    fc.property(
      fc.constantFrom<Rto>('fast', 'norm', 'wide'),
      fc.record({ ttl: second, loop_wait: second, retry_timeout: second }),
      fc.record({ ttl: second, loop_wait: second, retry_timeout: second }),
      (rto, one, more) => {
        const less = timing(rto, one, false);
        const greater = timing(
          rto,
          {
            ttl: one.ttl + more.ttl,
            loop_wait: one.loop_wait + more.loop_wait,
            retry_timeout: one.retry_timeout + more.retry_timeout,
          },
          true,
        );
        for (const [name, of] of Object.entries(OF_TIMING))
          assert.ok(sensible(of(less)) && of(less) > 0 && of(less) <= of(greater), name);
      },
    ),
  );
});

test('a gate waits longer than an election takes, and a member is forgotten only after its lease', () => {
  for (const rto of ['fast', 'norm', 'wide'] as const) {
    const figures = timing(rto, {}, true);
    assert.ok(gate(figures) >= Math.max(120, figures.failoverBound), rto);
    assert.ok(switched(figures) >= election(figures), rto);
    assert.ok(memberExpiry(figures) > figures.patroni.ttl + figures.patroni.loop_wait, rto);
    assert.ok(lasting(figures) > figures.etcd.election, rto);
  }
});

test('no undo comes sooner than one of the steps that run under it may take, and a beat more', () => {
  fc.assert(
    fc.property(bytes, fc.constantFrom<Rto>('fast', 'norm', 'wide'), (memory, rto) => {
      const wait = waits(timing(rto, {}, true));
      // What holds a host's shell while the undo `update` is armed there; looks in between are short.
      const under = { checkpoint, stop, start: () => START_ALL_S, look: () => OBSERVE_S, ask: () => ASK_S };
      for (const [step, of] of Object.entries(under))
        assert.ok(outOfServiceUndo(memory) >= of(memory) + BEAT_S, `${step} with ${memory} bytes`);
      assert.ok(wait.gate > 0 && wait.member >= STUCK_S);
    }),
  );
  assert.equal(undoFor(), 300);
  assert.equal(undoFor(10, 1000, 500), 1000 + BEAT_S);
});
