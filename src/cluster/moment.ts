/** A moment in UTC as ISO 8601 with the digits of the second that were given, such as `2026-01-31T14:05:00.123456Z`. */
export type Moment = string;

/** Returns how far a zone is ahead of UTC (s) at an instant (ms since the epoch). */
export type OffsetAt = (epochMs: number) => number;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** The largest offset of a zone from UTC (PostgreSQL, "MAX_TZDISP_HOUR") (h). */
const MAX_OFFSET_HOURS = 15;

const FORM = '"2026-01-31 14:05:00" (local), "2026-01-31 14:05:00+01:00" or 2026-01-31T14:05:00Z';

/** The offset of this machine's time zone. */
export const localOffset: OffsetAt = (epochMs) => Math.round(-new Date(epochMs).getTimezoneOffset() * 60);

/** The name of this machine's time zone. */
const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * Reads a time that an operator writes. Without a zone it is local time of this machine (`offsetAt`). The digits of the
 * second stay as they are. Throws an Error with the reason: a day or an hour that does not exist, more digits than
 * PostgreSQL keeps, and a local time that the clocks show twice or never.
 */
export function parseMoment(text: string, offsetAt: OffsetAt = localOffset): Moment {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)? ?(?:(Z|UTC)|([+-])(\d{2})(?::?(\d{2}))?)?$/.exec(
      text.trim(),
    );
  if (!match) throw new Error(`${whatIsMissing(text.trim())}not a time such as ${FORM}`);
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [, , , , , , , fraction = '', utc, sign, zoneHours, zoneMinutes = '0'] = match;
  if (month < 1 || month > 12) throw new Error(`there is no month ${match[2]}`);
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (day < 1 || day > days)
    throw new Error(`there is no such day: ${match[1]}-${match[2]} has the days 01 to ${days}`);
  if (hour > 23 || minute > 59 || second > 59)
    throw new Error('there is no such time of day: hours end at 23, minutes and seconds at 59');
  if (fraction.length > 6) throw new Error('PostgreSQL keeps microseconds: at most six digits behind the point');
  const wall = wallClock(year, month, day, hour, minute, second);
  if (utc) return moment(wall, fraction);
  if (sign) {
    if (Number(zoneHours) > MAX_OFFSET_HOURS || Number(zoneMinutes) > 59)
      throw new Error(`no zone is ${sign}${zoneHours}:${zoneMinutes.padStart(2, '0')} away from UTC`);
    const away = (Number(zoneHours) * 60 + Number(zoneMinutes)) * MINUTE_MS;
    return moment(sign === '+' ? wall - away : wall + away, fraction);
  }
  return moment(localInstant(wall, fraction, offsetAt), fraction);
}

/** What a text lacks to be a time, as the beginning of a message. */
function whatIsMissing(text: string): string {
  const [date, time] = [/^\d{4}-\d{2}-\d{2}/.exec(text)?.[0], /\b\d{1,2}:\d{2}\b/.exec(text)?.[0]];
  if (date && text === date) return `at what time of that day? It begins at "${date} 00:00"; `;
  if (!date && time && text.startsWith(time)) return 'of which day? ';
  if (date && time && /[A-Za-z]/.test(text.slice(16)))
    return `names of time zones are not taken; write the offset, such as "${date} ${time}+01:00"; `;
  return '';
}

/** Returns the instant of this UTC time (ms since the epoch); `Date.UTC` would take the years 0 to 99 for 1900 to 1999. */
function wallClock(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime();
}

/** Returns the one instant at which local clocks show `wall` (ms since the epoch). Throws where there are two, or none. */
function localInstant(wall: number, fraction: string, offsetAt: OffsetAt): number {
  // The offsets in force around this day; a change of the clocks lies between two of these hours.
  const offsets = new Set<number>();
  for (let hours = -MAX_OFFSET_HOURS - 1; hours <= MAX_OFFSET_HOURS + 1; hours++)
    offsets.add(offsetAt(wall + hours * HOUR_MS));
  const instants = [...offsets]
    .map((offset) => ({ offset, instant: wall - offset * 1000 }))
    .sort((a, b) => a.instant - b.instant);
  const shown = instants.filter(({ offset, instant }) => offsetAt(instant) === offset);
  if (shown.length === 1) return shown[0]!.instant;
  const forms = (shown.length > 1 ? shown : instants).map(
    ({ offset, instant }) =>
      `"${clock(wall, fraction)}${zoneSuffix(offset)}" (${clock(instant, fraction).slice(11)} UTC)`,
  );
  throw new Error(
    `the clocks of this machine (${localZone()}) show that time ${shown.length > 1 ? 'twice' : 'never'}, for they are changed that day. Write ${forms.join(' or ')}`,
  );
}

/** `2026-01-31 14:05:00.5`. */
const clock = (epochMs: number, fraction: string): string =>
  `${new Date(epochMs).toISOString().slice(0, -5).replace('T', ' ')}${fraction ? `.${fraction}` : ''}`;

/** Formats an offset as `+01:00`; with seconds, which zones had before 1972, only when there are any. */
function zoneSuffix(offset: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${two(size / 3600)}:${two((size / 60) % 60)}${size % 60 ? `:${two(size % 60)}` : ''}`;
}

const moment = (epochMs: number, fraction: string): Moment => `${clock(epochMs, fraction).replace(' ', 'T')}Z`;

/** Returns the instant with microseconds after the point (ms since the epoch). */
export function epochMs(at: Moment): number {
  const [, whole, fraction = ''] = /^([^.Z]*)(\.\d+)?Z$/.exec(at) ?? [];
  return Date.parse(`${whole}Z`) + Number(`0${fraction}`) * 1000;
}

/** Formats a moment as PostgreSQL's recovery_target_time and pgBackRest's --target take it: `2026-01-31 14:05:00.123456+00`. */
export const postgresTime = (at: Moment): string => `${at.replace('T', ' ').replace('Z', '')}+00`;

/** Formats a moment for an operator, without trailing zeros: `2026-01-31 14:05:00.5`. */
export const describeMoment = (at: Moment): string =>
  at
    .replace('T', ' ')
    .replace('Z', '')
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
