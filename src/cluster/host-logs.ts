import { quote, words } from '../shell/quote.ts';

/** The most that all hosts together, and one of them, may answer at once (bytes): everything is sorted in memory. */
const TOTAL_BYTES = 128 * 1024 * 1024;
const HOST_BYTES = 16 * 1024 * 1024;

/** Returns how much each of this number of hosts may answer at once (bytes). */
export const logLimit = (hosts: number): number => Math.min(HOST_BYTES, Math.floor(TOTAL_BYTES / Math.max(1, hosts)));

/** Where to begin: after what was read before, or at a time in journalctl's form. */
export type From = { cursor: string } | { since: string };

/** POSIX sh that prints the units' journal and then the cursor to continue from; only the newest `limit` bytes. */
export const logScript = (units: readonly string[], from: From, limit: number): string =>
  `journalctl -q --no-pager -o short-iso-precise --show-cursor ${
    'cursor' in from ? `--after-cursor=${quote(from.cursor)}` : `--since=${quote(from.since)}`
  } ${words(...units.flatMap((unit) => ['-u', unit]))} | tail -c ${limit + 1}`;

export interface HostLog {
  lines: string[];
  /** Where the next read begins; undefined when there was nothing. */
  cursor: string | undefined;
  /** Older lines were left out. */
  cut: boolean;
}

/** Reads the answer of `logScript` with the same limit. */
export function readLog(output: string, limit: number): HostLog {
  const cut = Buffer.byteLength(output) > limit;
  const all = output.split('\n').slice(cut ? 1 : 0);
  return {
    lines: all.filter((line) => line !== '' && !line.startsWith('-- ')),
    cursor: all.findLast((line) => line.startsWith('-- cursor: '))?.slice('-- cursor: '.length),
    cut,
  };
}

/** Returns the time of a line in journalctl's short-iso-precise (microseconds since the epoch); undefined for a continued line. */
function momentOf(line: string): number | undefined {
  const [, seconds, fraction = '', hours, minutes] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|([+-]\d\d):?(\d\d))/.exec(line) ?? [];
  if (!seconds) return undefined;
  const offset = hours === undefined ? 'Z' : `${hours}:${minutes}`;
  return Date.parse(`${seconds}${offset}`) * 1000 + Number(fraction.padEnd(6, '0'));
}

/** Merges the lines of all hosts by time, whatever their time zones; a message of several lines stays together. */
export function mergeByTime(
  hosts: readonly { host: string; lines: readonly string[] }[],
): { host: string; line: string }[] {
  return hosts
    .flatMap(({ host, lines }) => {
      let at = 0;
      return lines.map((line) => ({ host, line, at: (at = momentOf(line) ?? at) }));
    })
    .sort((a, b) => a.at - b.at)
    .map(({ host, line }) => ({ host, line }));
}

/** A length of time, as systemd reads it (systemd.time(7), "Parsing Time Spans"). */
const SPAN = String.raw`(?:\d+(?:\.\d+)?\s*[a-zA-Zµ]*\s*)+`;
/** Forms of a time that journalctl takes (systemd.time(7), "Parsing Timestamps"). */
const TIMES = [
  /^@\d+/,
  /^(?:now|today|yesterday|tomorrow)$/,
  new RegExp(String.raw`^[-+]\s*${SPAN}$`),
  new RegExp(`^${SPAN}(?:ago|left)$`),
  /^(?:[A-Z][a-z]{2,8} )?(?:\d{2,4}-\d{1,2}-\d{1,2})(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}|[A-Z][A-Za-z]+(?:\/[A-Za-z_]+)*))?$/,
  /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/,
];

/** Returns why journalctl would not take a time; undefined where it does. */
export function sinceMistake(text: string): string | undefined {
  if (TIMES.some((form) => form.test(text))) return undefined;
  const isSpan = new RegExp(`^${SPAN}$`).test(text);
  const meant = isSpan
    ? `"${text.trim()} ago" or "-${text.trim()}"`
    : '"-2h", "2 hours ago", "2026-01-31 14:05" or "yesterday"';
  return `not a time that journalctl takes: ${meant}`;
}
