import { suggest } from './suggest.ts';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const LONG_DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** Words for whole expressions (systemd.time(7), "Calendar Events"). */
const WORDS = new Set([
  'minutely',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'quarterly',
  'semiannually',
  'yearly',
  'annually',
]);
const CRON = /^(?:[\d*/,-]+ ){4}(?:[\d*/,-]+|[A-Za-z]{3})$/;

/**
 * Returns what is wrong with a calendar expression of systemd, as far as its form can be judged without systemd;
 * undefined where nothing is. systemd on the hosts judges the rest.
 */
export function calendarMistake(text: string): string | undefined {
  if (!/^[A-Za-z0-9*:,./~ -]+$/.test(text))
    return `"${text}" is no calendar expression of systemd, such as "Sun 03:00"`;
  if (CRON.test(text)) return `"${text}" is of cron; systemd's form is "Sun 03:00" (systemd.time(7))`;
  const [first = '', ...rest] = text.split(' ');
  if (WORDS.has(text.toLowerCase())) return undefined;
  if (/^[A-Za-z]/.test(first))
    for (const day of first.split(/,|\.\./).filter(Boolean))
      if (![...DAYS, ...LONG_DAYS].includes(day.toLowerCase()))
        return `"${text}": ${day} is no day of the week${suggest(day, ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])}`;
  for (const part of [first, ...rest]) {
    const [hours, ...others] = part.includes(':') ? part.split(':') : [];
    if (hours === undefined) continue;
    if (/^\d+$/.test(hours) && Number(hours) > 23) return `"${text}": hours end at 23`;
    for (const one of others)
      if (/^\d+$/.test(one) && Number(one) > 59) return `"${text}": minutes and seconds end at 59`;
  }
  return undefined;
}
