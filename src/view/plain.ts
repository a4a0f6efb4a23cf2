import { type Clock, systemClock } from '../clock.ts';
import type { Emit, RunEvent, StagePlace } from '../engine/events.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Screen } from './screen.ts';
import { duration, paint } from './style.ts';

/** Shows a run while it goes on; `end` leaves what should stay. */
export interface ProgressView {
  emit: Emit;
  end(): Promise<void>;
}

/** The place of a stage, and the time since the beginning of the run. */
const placeOf = (place: StagePlace | undefined, elapsedMs: number): string =>
  place ? ` (stage ${place.number} of ${place.of}, after ${duration(elapsedMs)})` : '';

/**
 * The part of an event that stays in every view: a heading, a note, a failure. An unreachable host is reported by the
 * caller that wanted to reach it. `elapsedMs`: since the beginning of the run.
 */
export function lastingLine(event: RunEvent, elapsedMs: number): string | undefined {
  switch (event.type) {
    case 'stage':
      return paint.bold(`── ${event.stage}`) + paint.dim(placeOf(event.place, elapsedMs));
    case 'failed':
      return paint.red(`${event.host}: FAILED ${event.step}: ${event.message}`);
    case 'note':
      return event.text;
    default:
      return undefined;
  }
}

function describe(event: RunEvent, verbosity: number, elapsedMs: number): string | undefined {
  if (event.type === 'doing') return verbosity > 0 ? `${event.host}: ${event.text}` : undefined;
  if (event.type === 'changed')
    return paint.yellow(
      `${event.host}: ${event.step}${event.ms > 1000 || verbosity > 0 ? ` (${duration(event.ms)})` : ''}`,
    );
  return lastingLine(event, elapsedMs);
}

/**
 * Prints one line per event, for logs and pipes, and one at least every 30 seconds while a host works. Uses standard
 * error, so that `-o json` stays one document.
 */
export function plainProgress(
  verbosity: number,
  screen: Pick<Screen, 'printMessage' | 'isAsking'>,
  clock: Clock = systemClock,
): ProgressView {
  const heartbeat = new Heartbeat(clock, (line) => {
    // Lines that come during a question would all appear after it.
    if (!screen.isAsking) screen.printMessage(line);
  });
  let beats: Promise<void> | undefined;
  return {
    emit(event) {
      const line = describe(event, verbosity, heartbeat.elapsed);
      if (line !== undefined) screen.printMessage(line);
      heartbeat.take(event, line !== undefined);
      // Not before there is something to say: its timer keeps the process alive.
      if (event.type === 'doing') beats ??= heartbeat.run();
    },
    async end() {
      heartbeat.end();
      await beats;
    },
  };
}
