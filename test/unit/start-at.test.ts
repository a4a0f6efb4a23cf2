import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OffsetAt } from '../../src/cluster/moment.ts';
import { localText, startTime } from '../../src/cluster/start-time.ts';
import { Interrupted, Refused, UsageError } from '../../src/errors.ts';
import { awaitStart, type WallClock } from '../../src/run/start-at.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { healthyHosts } from '../support/fake-hosts.ts';
import { captured, inProcess } from '../support/in-process.ts';

const DAY_S = 86_400;
const WEEK_S = 7 * DAY_S;
/** A zone two hours ahead of UTC. */
const ahead: OffsetAt = () => 7200;
const now = Date.parse('2026-01-31T14:05:00Z');
const at = (text: string, offsetAt = ahead) => new Date(startTime(text, now, WEEK_S, offsetAt)).toISOString();

describe('the time of a start', () => {
  test('is the next one of the clock for a time of day', () => {
    assert.equal(at('22:00'), '2026-01-31T20:00:00.000Z');
    assert.equal(at('16:04'), '2026-02-01T14:04:00.000Z');
    assert.equal(at('16:05'), '2026-02-01T14:05:00.000Z', 'the present minute is over');
    assert.equal(at('3:30:10'), '2026-02-01T01:30:10.000Z');
  });

  test('is the moment of a date, local or with its zone', () => {
    assert.equal(at('2026-02-01 03:00'), '2026-02-01T01:00:00.000Z');
    assert.equal(at('2026-02-01 03:00:00+01:00'), '2026-02-01T02:00:00.000Z');
  });

  test('is on the next day of the calendar even where the clocks change that night', () => {
    const change = Date.parse('2026-01-31T23:00:00Z');
    const summer = (instant: number) => (instant < change ? 3600 : 7200);
    assert.equal(at('10:00', summer), '2026-02-01T08:00:00.000Z');
  });

  test('is neither over nor more than a week ahead, and no other text', () => {
    assert.throws(() => at('2026-01-31 14:00:00Z'), /is over/);
    assert.throws(() => at('2026-03-01 14:00:00Z'), /more than 7d ahead/);
    for (const wrong of ['24:00', 'tonight', '22', '2026-02-30 10:00']) assert.throws(() => at(wrong), wrong);
  });

  test('is shown with the zone', () => {
    assert.equal(localText(now, ahead), '2026-01-31 16:05:00+02:00');
    assert.equal(
      localText(now, () => -12_600),
      '2026-01-31 10:35:00-03:30',
    );
  });
});

/** A clock whose time passes only in sleeps; `wakes` is how late the machine comes out of the first one (ms). */
const clockAt = (instant: number, wakes = 0): WallClock & { slept: number } => {
  const clock = {
    slept: 0,
    now: () => instant,
    async sleep(ms: number, signal: AbortSignal) {
      if (signal.aborted) throw new Interrupted();
      instant += ms + (clock.slept++ === 0 ? wakes : 0);
    },
  };
  return clock;
};
const START = { command: 'update', cluster: 'pglab', at: '2026-01-31 15:05:00Z' };
const OPTIONS = { yes: true, output: 'text', quiet: false, askBecomePass: false } as const;

describe('a wait', () => {
  test('ends at the time, and says before when that is', async () => {
    const clock = clockAt(now);
    const { err } = await captured(() => awaitStart(START, OPTIONS, clock));
    assert.equal(clock.now(), now + 3_600_000);
    assert.match(err, /hapg update begins at .*, in 1h\. Ctrl-C ends the wait/);
  });

  test('is refused where the machine was asleep for more than five minutes past the time', async () => {
    const late = captured(() => awaitStart(START, OPTIONS, clockAt(now, 3_600_000 + 301_000)));
    await assert.rejects(
      late,
      (error) => error instanceof Refused && /asleep.*Nothing was changed/s.test(error.message),
    );
    await captured(() => awaitStart(START, OPTIONS, clockAt(now, 3_600_000 + 200_000)));
  });

  test('ends with Ctrl-C, and nothing was changed', async () => {
    const clock = clockAt(now);
    const pressed = {
      ...clock,
      sleep: async (ms: number, signal: AbortSignal) => {
        process.emit('SIGINT');
        await clock.sleep(ms, signal);
      },
    };
    await assert.rejects(
      captured(() => awaitStart(START, OPTIONS, pressed)),
      (error) => error instanceof Interrupted && /nothing was changed/.test(error.message),
    );
    assert.equal(process.listenerCount('SIGINT'), 0);
  });

  test('is not begun where somebody would have to type a password at its end', async () => {
    await assert.rejects(
      captured(() => awaitStart(START, { ...OPTIONS, askBecomePass: true }, clockAt(now))),
      (error) => error instanceof UsageError && /HAPG_BECOME_PASSWORD/.test(error.message),
    );
  });
});

describe('hapg switchover --at', () => {
  test('waits, then connects and judges', async (context) => {
    const { inventory, scripts } = await setUp(context, { hosts: healthyHosts(), stored: true });
    // So that the modules are there, and only the wait takes its time.
    await inProcess(['switchover', '-i', inventory, '--at', '25:00', '--yes']);
    const soon = new Date(Date.now() + 5000).toISOString();
    const { code, err } = await inProcess(['switchover', '-i', inventory, '--to', 'db3', '--at', soon, '--yes']);
    assert.ok(Date.now() >= Date.parse(soon) && scripts.length > 0);
    assert.match(err, /hapg switchover begins at/);
    // db3 is not synchronous.
    assert.equal(code, 1, err);
  });

  test('ends with Ctrl-C before any host is asked', async (context) => {
    const { inventory, scripts } = await setUp(context, { hosts: healthyHosts(), stored: true });
    const pressing = setInterval(() => process.listenerCount('SIGINT') > 0 && process.emit('SIGINT'), 100);
    context.after(() => clearInterval(pressing));
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const { code, err } = await inProcess(['switchover', '-i', inventory, '--at', later, '--yes']);
    assert.deepEqual([code, scripts.length], [130, 0]);
    assert.match(err, /interrupted; nothing was changed/);
  });

  test('refuses a wrong time or host at once, and a question without a terminal', async (context) => {
    const { inventory, scripts } = await setUp(context, { hosts: healthyHosts(), stored: true });
    const run = (...words: string[]) => inProcess(['switchover', '-i', inventory, ...words]);
    assert.match((await run('--at', '25:00', '--yes')).err, /--at 25:00/);
    assert.match((await run('--at', '22:00', '--yes', '--to', 'db9')).err, /db9/);
    assert.match((await run('--at', '22:00')).err, /--yes/);
    assert.equal(scripts.length, 0);
  });
});
