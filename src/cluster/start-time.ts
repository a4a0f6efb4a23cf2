import { describeDuration } from '../duration.ts';
import { epochMs, localOffset, type OffsetAt, parseMoment } from './moment.ts';

const HOUR_MS = 3_600_000;

/** The day of this machine's calendar at an instant, as `2026-01-31`. */
const localDay = (instant: number, offsetAt: OffsetAt): string =>
  new Date(instant + offsetAt(instant) * 1000).toISOString().slice(0, 10);

/**
 * Reads the time at which work is to begin (ms since the epoch): a moment as `parseMoment` reads it, or a time of day such
 * as `22:00`, which is the next one. `most` is how far ahead it may lie (s). Throws an Error with the reason.
 */
export function startTime(text: string, now: number, most: number, offsetAt: OffsetAt = localOffset): number {
  const clock = /^([01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/.exec(text.trim())?.[0];
  if (clock === undefined) {
    const at = epochMs(parseMoment(text, offsetAt));
    if (at <= now) throw new Error('that time is over');
    if (at > now + most * 1000) throw new Error(`that is more than ${describeDuration(most)} ahead`);
    return at;
  }
  const on = (day: string) =>
    epochMs(parseMoment(`${day} ${clock.padStart(clock.length + (clock.indexOf(':') === 1 ? 1 : 0), '0')}`, offsetAt));
  const today = localDay(now, offsetAt);
  const first = on(today);
  if (first > now) return first;
  // The next day of the calendar, whatever the clocks do that night.
  let later = now;
  while (localDay(later, offsetAt) === today) later += HOUR_MS;
  return on(localDay(later, offsetAt));
}

/** Formats an instant in the local time of this machine, with its zone: `2026-01-31 22:00:00+01:00`. */
export function localText(instant: number, offsetAt: OffsetAt = localOffset): string {
  const offset = offsetAt(instant);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 3600)}:${two((Math.abs(offset) / 60) % 60)}`;
  return `${new Date(instant + offset * 1000).toISOString().slice(0, 19).replace('T', ' ')}${zone}`;
}
