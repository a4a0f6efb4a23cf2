import { quote, words } from '../shell/quote.ts';
import { PRIORITIES, type Priority, priorityOf, urgentLines } from './log-levels.ts';
import { withoutNoise } from './log-noise.ts';

/** The most that all hosts together, and one of them, may answer at once (bytes): everything is sorted in memory. */
const TOTAL_BYTES = 128 * 1024 * 1024;
const HOST_BYTES = 16 * 1024 * 1024;

/** Returns how much each of this number of hosts may answer at once (bytes). */
export const logLimit = (hosts: number): number => Math.min(HOST_BYTES, Math.floor(TOTAL_BYTES / Math.max(1, hosts)));

/** Which entries are wanted. */
export interface LogWish {
  units: readonly string[];
  /** Where to begin: after what was read before, or at a time in journalctl's form. */
  from: { cursor: string } | { since: string };
  until?: string | undefined;
  /** The number of a priority; less urgent entries are left out. */
  priority?: number | undefined;
  /** A pattern of journalctl (`-g`). */
  grep?: string | undefined;
  /** The newest entries of each host. */
  newest?: number | undefined;
  /** Whether entries count that say only that somebody connected. */
  all?: boolean | undefined;
  /** The most bytes of the answer. */
  limit: number;
  /** Also tell which of the units the host has. */
  checkUnits?: boolean;
}

/** The fields that are asked for; journalctl adds the time and the cursor. */
const FIELDS = 'MESSAGE,PRIORITY,_PID,SYSLOG_PID,_SYSTEMD_UNIT,UNIT,SYSLOG_IDENTIFIER,_COMM';

/** Prints the units that the host has, or had: one of a job that is over is in the journal alone. */
const presentUnits = (units: readonly string[]): string => `for unit in ${words(...units)}; do
  case $(systemctl show -p LoadState --value -- "$unit" 2>/dev/null) in
    ''|not-found) [ -n "$(journalctl -q -n 1 -o cat -u "$unit" 2>/dev/null)" ] || continue ;;
  esac
  echo "-- unit: $unit"
done
`;

/** POSIX sh that prints the units' entries as JSON lines and then the cursor to continue from. */
export function logScript({ units, from, until, priority, grep, newest, all, limit, checkUnits }: LogWish): string {
  const read = [
    `journalctl -q --no-pager -o json --output-fields=${FIELDS} --show-cursor`,
    'cursor' in from ? `--after-cursor=${quote(from.cursor)}` : `--since=${quote(from.since)}`,
    ...(until === undefined ? [] : [`--until=${quote(until)}`]),
    ...(grep === undefined ? [] : [`--grep=${quote(grep)}`]),
    words(...units.flatMap((unit) => ['-u', unit])),
  ].join(' ');
  const filters = [
    ...(priority === undefined ? [] : [`grep -aE -e ${quote(`^-- cursor|^[^{]|${urgentLines(priority)}`)}`]),
    ...(all ? [] : [withoutNoise()]),
    // The cursor is a line of its own behind the entries.
    ...(newest === undefined ? [] : [`tail -n ${newest + 1}`]),
    `tail -c ${limit + 1}`,
  ];
  return `${checkUnits ? presentUnits(units) : ''}${[`${read} 2>&1`, ...filters].join(' | ')}`;
}

/** One entry of a host's journal. */
export interface LogEntry {
  /** Microseconds since the epoch. */
  at: number;
  unit: string;
  /** The program's name for itself. */
  program: string;
  pid: number | undefined;
  priority: Priority;
  message: string;
}

export interface HostLog {
  entries: LogEntry[];
  /** Where the next read begins; undefined when there was nothing. */
  cursor: string | undefined;
  /** Older entries were left out, because there is room for so much only. */
  cut: boolean;
  /** The units that the host has, where that was asked. */
  units: string[];
}

/** Reads the answer of `logScript`. Throws with journalctl's own words where it refuses. */
export function readLog(output: string, { limit, priority }: Pick<LogWish, 'limit' | 'priority'>): HostLog {
  const said = output.split('\n');
  const marked = (mark: string) => said.flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []));
  const journal = said.filter((line) => line !== '' && !line.startsWith('-- '));
  const units = marked('-- unit: ');
  // The units stand before the entries, and are not a part of what is bounded.
  const size = Buffer.byteLength(output) - units.reduce((sum, unit) => sum + '-- unit: \n'.length + unit.length, 0);
  const cut = size > limit;
  const entries = journal.flatMap((line) => entryOf(line) ?? []);
  const complaint = journal.slice(cut ? 1 : 0).find((line) => !line.startsWith('{'));
  if (complaint !== undefined && entries.length === 0) throw new Error(complaint.trim());
  return {
    entries: entries.filter((one) => priority === undefined || PRIORITIES.indexOf(one.priority) <= priority),
    cursor: marked('-- cursor: ').at(-1),
    cut,
    units,
  };
}

/** A field of an entry: text, or bytes where it is no valid text, or several, of which the first counts. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return typeof value[0] === 'number' ? Buffer.from(value as number[]).toString('utf8') : textOf(value[0]);
}

/** Reads one line of `journalctl -o json` (systemd, "Journal JSON Format"); undefined for one that was cut. */
function entryOf(line: string): LogEntry | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const field = (name: string) => textOf(fields?.[name]);
  const at = Number(field('__REALTIME_TIMESTAMP'));
  if (!(at > 0)) return undefined;
  const message = field('MESSAGE');
  const pid = Number(field('SYSLOG_PID') || field('_PID'));
  return {
    at,
    // systemd writes about a unit from its own.
    unit: field('UNIT') || field('_SYSTEMD_UNIT'),
    program: field('SYSLOG_IDENTIFIER') || field('_COMM') || 'unknown',
    pid: pid > 0 ? pid : undefined,
    priority: priorityOf(field('PRIORITY') === '' ? 6 : Number(field('PRIORITY')), message),
    message,
  };
}

/** Merges the entries of all hosts by time; those of one host at the same moment keep their order. */
export const mergeByTime = (
  hosts: readonly { host: string; entries: readonly LogEntry[] }[],
): (LogEntry & { host: string })[] =>
  hosts.flatMap(({ host, entries }) => entries.map((entry) => ({ host, ...entry }))).sort((a, b) => a.at - b.at);

/** The time of an entry in UTC, with its microseconds. */
export const timeOf = ({ at }: LogEntry): string =>
  `${new Date(Math.floor(at / 1000)).toISOString().slice(0, -1)}${String(at % 1000).padStart(3, '0')}Z`;

/** An entry as one text: the time, who wrote it, and the message. */
export const lineOf = (entry: LogEntry): string =>
  `${timeOf(entry)} ${entry.program}${entry.pid === undefined ? '' : `[${entry.pid}]`}: ${entry.message}`;
