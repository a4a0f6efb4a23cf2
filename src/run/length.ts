import { LONGEST_HOLD_S } from '../bounds/undo.ts';
import { parseDuration } from '../duration.ts';
import { UsageError } from '../errors.ts';

/** Reads the length of time given with `--for` (s). Throws UsageError. */
export function lengthOf(text: string): number {
  try {
    return parseDuration(text, LONGEST_HOLD_S);
  } catch (cause) {
    throw new UsageError(`--for ${text}: ${(cause as Error).message}`);
  }
}

/** The time in `seconds` from `now` (ms since the epoch), for an operator. */
export const timeIn = (seconds: number, now: number): string =>
  `${new Date(now + seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
