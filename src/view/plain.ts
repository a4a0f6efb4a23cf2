import type { Emit, RunEvent } from '../engine/events.ts';
import type { Screen } from './screen.ts';
import { duration, paint } from './style.ts';

/** Shows a run while it goes on; `end` leaves what should stay. */
export interface ProgressView {
  emit: Emit;
  end(): Promise<void>;
}

/**
 * The part of an event that stays in every view: a heading, a note, a failure. An unreachable host is reported by the
 * caller that wanted to reach it.
 */
export function lastingLine(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'stage':
      return paint.bold(`── ${event.stage}`);
    case 'failed':
      return paint.red(`${event.host}: FAILED ${event.step}: ${event.message}`);
    case 'note':
      return event.text;
    default:
      return undefined;
  }
}

function describe(event: RunEvent, verbosity: number): string | undefined {
  if (event.type === 'doing') return verbosity > 0 ? `${event.host}: ${event.text}` : undefined;
  if (event.type === 'changed')
    return paint.yellow(
      `${event.host}: ${event.step}${event.ms > 1000 || verbosity > 0 ? ` (${duration(event.ms)})` : ''}`,
    );
  return lastingLine(event);
}

/** Prints one line per event, for logs and pipes. Uses standard error, so that `-o json` stays one document. */
export function plainProgress(verbosity: number, screen: Screen): ProgressView {
  return {
    emit(event) {
      const line = describe(event, verbosity);
      if (line !== undefined) screen.printMessage(line);
    },
    end: async () => undefined,
  };
}
