import { readJournals } from '../engine/journal.ts';
import { PATHS } from '../paths.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { askEach, readOnlyRun } from '../run/read-only.ts';
import { readSetup, type Setup } from '../run/setup.ts';
import { table } from '../view/style.ts';

/** The flags of `hapg audit`. */
export interface AuditOptions extends CommonOptions {
  hosts?: boolean;
}

/** `hapg audit`: lists the runs in this controller's journals, with `--hosts` also each host's own audit lines. */
export async function auditCommand(options: AuditOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const runs = readJournals(setup.cluster).map(({ run, entries }) => {
    const start = entries.find((entry) => entry.type === 'start');
    const end = entries.find((entry) => entry.type === 'end');
    const changed = entries.filter((entry) => entry.type === 'changed').length;
    return {
      run,
      time: entries[0]?.time ?? '',
      by: String(start?.by ?? '?'),
      command: String(start?.command ?? '?'),
      changed,
      result: String(end?.result ?? 'did not end'),
    };
  });
  const hosts = options.hosts ? await hostLines(setup) : undefined;
  if (setup.json) {
    printJson(hosts ? { runs, hosts } : { runs });
    return 0;
  }
  print(
    runs.length === 0
      ? 'no runs on this controller'
      : table([
          ['TIME', 'RUN', 'BY', 'COMMAND', 'CHANGED', 'RESULT'],
          ...runs.map((one) => [one.time, one.run, one.by, one.command, String(one.changed), one.result]),
        ]),
  );
  for (const [host, lines] of Object.entries(hosts ?? {}))
    print(`\n${host}\n${lines.map((line) => `  ${line}`).join('\n')}`);
  return 0;
}

/** The newest lines of each host's own audit log; a host that does not answer is named and missing. */
async function hostLines(setup: Setup): Promise<Record<string, string[]>> {
  const found = await readOnlyRun(setup, 'audit', (run) =>
    askEach(run, async (host) => (await run.session.ask(host, `tail -n 50 ${PATHS.audit} 2>/dev/null`)).output),
  );
  return Object.fromEntries(found.map(({ host, answer }) => [host.name, answer.trim().split('\n').filter(Boolean)]));
}
