import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';
import { Interrupted } from '../../src/errors.ts';
import { plainProgress } from '../../src/view/plain.ts';
import { plain } from '../../src/view/style.ts';

/** A clock that stands until the test moves it. */
class StandingClock implements Clock {
  private time = 0;
  private waiting: { until: number; wake: () => void }[] = [];
  now = (): number => this.time;
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake, reject) => {
      signal?.addEventListener('abort', () => reject(new Interrupted()));
      this.waiting.push({ until: this.time + ms, wake });
    });
  }
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.time += 1000;
      for (const one of this.waiting.filter(({ until }) => until <= this.time)) one.wake();
      this.waiting = this.waiting.filter(({ until }) => until > this.time);
      await turn();
    }
  }
}

function begun() {
  const clock = new StandingClock();
  const lines: string[] = [];
  const screen = { isAsking: false, printMessage: (line: string) => void lines.push(plain(line)) };
  return { clock, lines, screen, progress: plainProgress(0, screen, clock) };
}

test('a stage says its place among those with work, and the time since the beginning', async () => {
  const { clock, lines, progress } = begun();
  await clock.pass(41);
  progress.emit({ type: 'stage', stage: 'packages', place: { number: 3, of: 12 } });
  progress.emit({ type: 'stage', stage: 'not in the plan' });
  assert.deepEqual(lines, ['── packages (stage 3 of 12, after 41.0 s)', '── not in the plan']);
  await progress.end();
});

test('while hosts work a line comes at least every 30 seconds, and says what they do', async () => {
  const { clock, lines, progress } = begun();
  for (const host of ['db1', 'db2']) progress.emit({ type: 'doing', host, text: 'installing 5 packages' });
  progress.emit({ type: 'doing', host: 'backup', text: 'first full backup\nof three' });
  await clock.pass(29);
  assert.deepEqual(lines, []);
  await clock.pass(32);
  assert.deepEqual(lines, [
    'still working (30.0 s): db1, db2: installing 5 packages; backup: first full backup',
    'still working (1 min 0 s): db1, db2: installing 5 packages; backup: first full backup',
  ]);
  await progress.end();
});

test('a line of its own puts the next one off, and hosts that are done are not named', async () => {
  const { clock, lines, progress } = begun();
  progress.emit({ type: 'doing', host: 'db1', text: 'installing' });
  progress.emit({ type: 'doing', host: 'db2', text: 'copying' });
  await clock.pass(20);
  const done = { host: 'db1', stage: 's', step: 'packages x', role: 'etcd', action: 'create', ms: 5 } as const;
  progress.emit({ type: 'changed', ...done });
  await clock.pass(29);
  assert.deepEqual(lines, ['db1: packages x']);
  await clock.pass(1);
  assert.deepEqual(lines.slice(1), ['still working (50.0 s): db2: copying']);
  await progress.end();
});

test('nothing is said while nobody works, during a question, and after the end', async () => {
  const { clock, lines, screen, progress } = begun();
  await clock.pass(90);
  progress.emit({ type: 'doing', host: 'db1', text: 'reading' });
  screen.isAsking = true;
  await clock.pass(90);
  screen.isAsking = false;
  await progress.end();
  await clock.pass(90);
  assert.deepEqual(lines, []);
});
