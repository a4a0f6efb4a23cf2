import { passes } from '../clock.ts';
import {
  type HostLog,
  type LogEntry,
  type LogWish,
  lineOf,
  logLimit,
  logScript,
  mergeByTime,
  readLog,
  timeOf,
} from '../cluster/host-logs.ts';
import { PRIORITIES, readPriority } from '../cluster/log-levels.ts';
import { timeMistake } from '../cluster/log-times.ts';
import { settleAll, settled } from '../engine/pool.ts';
import { EXIT, KnownError, reasonOn, Unanswered, UsageError } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';
import { suggest } from '../inventory/suggest.ts';
import { factsOf, JOURNALS, ROLE_NAMES } from '../roles.ts';
import { print, printJson, printMessage } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { reachAny, readOnlyRun } from '../run/read-only.ts';
import { readSetup } from '../run/setup.ts';
import { bytes } from '../units.ts';
import { screen } from '../view/screen.ts';
import { paint } from '../view/style.ts';

const FOLLOW_MS = 1000;

/** The flags of `hapg logs`. */
export interface LogsOptions extends CommonOptions {
  since: string;
  until?: string;
  lines?: string;
  priority?: string;
  grep?: string;
  all: boolean;
  follow?: boolean;
}

/** `hapg logs`: shows the journals of all hosts, merged by time; `-f` follows them. */
export async function logsCommand(units: readonly string[], options: LogsOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { since, newest, ...wish } = readFlags(options);
  const wanted = units.length > 0 ? units : JOURNALS;
  for (const unit of wanted) if (!/^[A-Za-z0-9@._:-]+$/.test(unit)) throw new UsageError(`${unit}: not a unit`);
  return readOnlyRun(setup, 'logs', async (run) => {
    const { session, interrupt } = run;
    const hosts = await reachAny(run, setup.hosts);
    await run.progress.end();
    const cursors = new Map<string, string>();
    const silent = new Set<string>();
    const limit = logLimit(hosts.length);
    const width = Math.max(...hosts.map((host) => host.name.length));
    for (let turn = 0; turn === 0 || (options.follow && !interrupt.soft.aborted && screen.isRead); turn++) {
      const answers = await settleAll(hosts, session.options.forks, async (host) => {
        const cursor = cursors.get(host.name);
        const one: LogWish = {
          ...wish,
          ...{ units: wanted, limit },
          from: cursor === undefined ? { since } : { cursor },
          newest: turn === 0 ? newest : undefined,
          checkUnits: turn === 0 && units.length > 0,
        };
        const { output } = await session.ask(host, logScript(one));
        const log = read(host.name, output, one);
        if (log.cursor) cursors.set(host.name, log.cursor);
        return log;
      });
      const found = answers.map((answer, index) => ({ host: hosts[index]!.name, answer }));
      const logs = found.flatMap(({ host, answer }) =>
        answer.status === 'fulfilled' ? [{ host, ...answer.value }] : [],
      );
      for (const { host, answer } of found)
        if (answer.status === 'rejected' && !silent.has(host)) {
          silent.add(host);
          printMessage(`${host}: its logs are missing here: ${reasonOn(answer.reason)}`);
        }
      // A pattern that journalctl refuses is refused by all hosts.
      if (logs.length === 0 && turn === 0) settled(answers);
      if (turn === 0) expectUnits(setup.cluster, units, logs);
      sayWhatIsCut(logs, limit);
      const merged = mergeByTime(logs);
      // Each host has told its newest ones; of all together these are the newest.
      if (turn === 0 && newest !== undefined) merged.splice(0, Math.max(0, merged.length - newest));
      if (setup.json) printJson(merged.map(documentOf));
      else for (const one of merged) print(textOf(one, width));
      if (options.follow) await passes(session.clock, FOLLOW_MS, interrupt.soft);
    }
    return EXIT.done;
  });
}

/** Reads a host's answer. Throws Unanswered with the words of journalctl where it refuses. */
function read(host: string, output: string, wish: LogWish): HostLog {
  try {
    return readLog(output, wish);
  } catch (cause) {
    throw new Unanswered(host, (cause as Error).message);
  }
}

/** Reads the flags that say which entries are wanted. Throws UsageError. */
function readFlags({ output, follow, since, until, lines, priority, grep, all }: LogsOptions) {
  if (output === 'json' && follow) throw new UsageError('-f has no end, and one document has: without -o json');
  if (until !== undefined && follow) throw new UsageError('-f has no end: without --until');
  for (const [flag, time] of [
    ['--since', since],
    ['--until', until],
  ] as const) {
    const mistake = time === undefined ? undefined : timeMistake(time);
    if (mistake) throw new UsageError(`${flag} ${time}: ${mistake}`);
  }
  if (lines !== undefined && !/^\d{1,6}$/.test(lines)) throw new UsageError(`--lines ${lines}: a number is needed`);
  const level = priority === undefined ? undefined : readPriority(priority);
  if (priority !== undefined && level === undefined)
    throw new UsageError(
      `--priority ${priority}: one of ${PRIORITIES.join(', ')}, or its number${suggest(priority, PRIORITIES)}`,
    );
  if (grep === '') throw new UsageError('--grep: the pattern is empty');
  return { since, until, newest: lines === undefined ? undefined : Number(lines), priority: level, grep, all };
}

/** Throws where no host knows a unit that the operator has named. */
function expectUnits(cluster: Cluster, units: readonly string[], logs: readonly HostLog[]): void {
  const there = new Set(logs.flatMap((log) => log.units));
  const missing = logs.length === 0 ? [] : units.filter((unit) => !there.has(unit));
  if (missing.length === 0) return;
  const own = ROLE_NAMES.filter((role) => cluster.hosts.some((host) => host.roles.has(role)))
    .flatMap((role) => [...(factsOf(role).units ?? []), ...(factsOf(role).jobs ?? [])])
    .map((unit) => unit.replace(/\.service$/, ''));
  const known = [...new Set(own)];
  throw new KnownError(
    `hapg logs ${missing.join(' ')}: no host has such a unit; those of the cluster are ${known.join(', ')}${suggest(missing[0]!, known)}`,
    EXIT.failed,
  );
}

function sayWhatIsCut(logs: readonly ({ host: string } & HostLog)[], limit: number): void {
  for (const { host, entries, cut } of logs)
    if (cut)
      printMessage(
        `${host}: only the newest ${bytes(limit)} are shown, from ${entries[0] ? timeOf(entries[0]) : 'now'} on; name units, a later --since, or one host with --limit to see less at once`,
      );
}

/** An entry in JSON. */
const documentOf = (entry: LogEntry & { host: string }) => ({
  host: entry.host,
  line: lineOf(entry),
  time: timeOf(entry),
  unit: entry.unit,
  priority: entry.priority,
  pid: entry.pid ?? null,
  message: entry.message,
});

/** An entry for people; further lines of a message stand below its first one. */
const textOf = (entry: LogEntry & { host: string }, width: number): string =>
  `${paint.cyan(entry.host.padEnd(width))} ${lineOf(entry).replaceAll('\n', `\n${' '.repeat(width + 5)}`)}`;
