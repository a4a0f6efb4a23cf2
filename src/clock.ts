import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted } from './errors.ts';

/** The clock of a run; tests use one that does not wait. */
export interface Clock {
  /** The present time (ms since the epoch). */
  now(): number;
  /** Waits for `ms`. Rejects with Interrupted as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  // Never goes back, unlike the wall clock.
  now: () => performance.timeOrigin + performance.now(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, { signal });
    } catch (cause) {
      throw signal?.aborted ? new Interrupted() : cause;
    }
  },
};

/** Waits for `ms`. Returns false where `signal` ended the wait. */
export const passes = (clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> =>
  clock.sleep(ms, signal).then(
    () => true,
    (cause: unknown) => {
      if (cause instanceof Interrupted) return false;
      throw cause;
    },
  );
