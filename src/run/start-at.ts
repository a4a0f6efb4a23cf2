import { AHEAD_S, LATE_S, LOOK_S } from '../bounds/start.ts';
import { systemClock } from '../clock.ts';
import { localText, startTime } from '../cluster/start-time.ts';
import { describeDuration } from '../duration.ts';
import { Interrupted, Refused, UsageError } from '../errors.ts';
import { screen } from '../view/screen.ts';
import { confirm, notConfirmed, printMessage } from './ask.ts';
import type { CommonOptions } from './options.ts';

/** How often the countdown is drawn (ms). */
const DRAW_MS = 1000;

/** The time of day. It goes on while the machine is asleep, unlike the clock of a run. */
export interface WallClock {
  now(): number;
  /** Rejects with Interrupted as soon as `signal` is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const wallClock: WallClock = { now: () => Date.now(), sleep: (ms, signal) => systemClock.sleep(ms, signal) };

/** What is to begin, and when. */
export interface Start {
  /** The command's words after `hapg`. */
  command: string;
  cluster: string;
  /** The time as the operator wrote it. */
  at: string;
}

type StartOptions = Pick<CommonOptions, 'yes' | 'output' | 'quiet' | 'askBecomePass'>;

/**
 * Asks for confirmation and waits in this process until the time, with a countdown; nothing is scheduled anywhere else.
 * Throws UsageError for what is no time, Interrupted after Ctrl-C, and Refused where it is too late when this machine
 * comes to it.
 */
export async function awaitStart(start: Start, options: StartOptions, clock: WallClock = wallClock): Promise<void> {
  const at = timeOf(start, options, clock.now());
  const when = `${localText(at)}, in ${describeDuration((at - clock.now()) / 1000)}`;
  const explain = `At that time hapg connects, looks at ${start.cluster} and begins if every check passes. It asks nothing then, and it must go on running until then.`;
  if (!(await confirm(`hapg ${start.command} at ${when}?`, { ...options, explain: options.yes ? '' : explain })))
    throw notConfirmed();
  if (!options.quiet) printMessage(`hapg ${start.command} begins at ${when}. Ctrl-C ends the wait.`);
  await waitUntil(at, start, options, clock);
  const late = clock.now() - at;
  if (late > LATE_S * 1000)
    throw new Refused(
      `it is ${localText(clock.now())}, ${describeDuration(late / 1000)} after ${start.at}: this machine was asleep or stopped. Nothing was changed; at most ${describeDuration(LATE_S)} late would be taken`,
      'too_late',
    );
}

/** Reads the time. Throws UsageError. */
function timeOf({ at }: Start, { askBecomePass }: StartOptions, now: number): number {
  if (askBecomePass && !process.env.HAPG_BECOME_PASSWORD)
    throw new UsageError('--at with --ask-become-pass: nobody is there to answer then; set HAPG_BECOME_PASSWORD');
  try {
    return startTime(at, now, AHEAD_S);
  } catch (cause) {
    throw new UsageError(`--at ${at}: ${(cause as Error).message}. 22:00 is the next one of this clock`);
  }
}

async function waitUntil(
  at: number,
  { command }: Start,
  { output, quiet }: StartOptions,
  clock: WallClock,
): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const draws = output !== 'json' && !quiet && screen.hasRoomFor(1);
  try {
    for (let left = at - clock.now(); left > 0; left = at - clock.now()) {
      if (draws) screen.draw(`hapg ${command} begins in ${describeDuration(Math.ceil(left / 1000))}\n`);
      await clock.sleep(Math.min(left, draws ? DRAW_MS : LOOK_S * 1000), stopping.signal);
    }
  } catch (cause) {
    throw cause instanceof Interrupted ? new Interrupted('interrupted; nothing was changed') : cause;
  } finally {
    if (draws) screen.draw('');
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
