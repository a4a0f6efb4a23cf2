import { passes } from '../clock.ts';
import { logLimit, logScript, mergeByTime, readLog, sinceMistake } from '../cluster/host-logs.ts';
import { settleAll } from '../engine/pool.ts';
import { EXIT, UsageError } from '../errors.ts';
import { JOURNALS } from '../roles.ts';
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
  follow?: boolean;
}

/** `hapg logs`: shows the journals of all hosts, merged by time; `-f` follows them. */
export async function logsCommand(units: readonly string[], options: LogsOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  if (setup.json && options.follow) throw new UsageError('-f has no end, and one document has: without -o json');
  const mistake = sinceMistake(options.since);
  if (mistake) throw new UsageError(`--since ${options.since}: ${mistake}`);
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
    do {
      const answers = await settleAll(hosts, session.options.forks, async (host) => {
        const cursor = cursors.get(host.name);
        const from = cursor === undefined ? { since: options.since } : { cursor };
        const log = readLog((await session.ask(host, logScript(wanted, from, limit))).output, limit);
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
          printMessage(`${host}: its logs are missing here: ${(answer.reason as Error).message}`);
        }
      const merged = mergeByTime(logs);
      for (const { host, lines, cut } of logs)
        if (cut)
          printMessage(
            `${host}: only the newest ${bytes(limit)} are shown, from ${lines[0]?.split(' ')[0] ?? 'now'} on; name units, a later --since, or one host with --limit to see less at once`,
          );
      if (setup.json) printJson(merged);
      else for (const { host, line } of merged) print(`${paint.cyan(host.padEnd(width))} ${line}`);
      if (options.follow) await passes(session.clock, FOLLOW_MS, interrupt.soft);
    } while (options.follow && !interrupt.soft.aborted && screen.isRead);
    return EXIT.done;
  });
}
