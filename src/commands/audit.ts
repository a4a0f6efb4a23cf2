import { newRunId, readJournals } from '../engine/journal.ts';
import { settleAll } from '../engine/pool.ts';
import { PATHS } from '../paths.ts';
import { SecretStore } from '../secrets/store.ts';
import { table } from '../view/style.ts';
import { type CommonOptions, GO_WITHOUT, print, printJson, setup, start, unreachableError } from './common.ts';

/** `hapg audit`: the runs in this controller's journals; with `--hosts` what each host has recorded itself. */
export async function auditCommand(options: CommonOptions & { hosts?: boolean }): Promise<number> {
  const made = setup({ ...options, quiet: true });
  const runs = readJournals(made.cluster).map(({ run, entries }) => {
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
  const hosts = options.hosts ? await hostLines(made) : undefined;
  if (made.json) {
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

async function hostLines(made: ReturnType<typeof setup>): Promise<Record<string, string[]>> {
  const store = await SecretStore.read(made.cluster);
  const { session, progress } = await start(made, newRunId(), () => store?.all() ?? []);
  try {
    const unreachable = await session.openAll(made.hosts);
    if (unreachable.size > 0) throw unreachableError(unreachable, GO_WITHOUT);
    const answers = await settleAll(made.hosts, session.options.forks, async (host) =>
      (await session.ask(host, `tail -n 50 ${PATHS.audit} 2>/dev/null`)).output.trim().split('\n').filter(Boolean),
    );
    return Object.fromEntries(
      made.hosts.map((host, index) => [
        host.name,
        answers[index]!.status === 'fulfilled' ? (answers[index] as PromiseFulfilledResult<string[]>).value : [],
      ]),
    );
  } finally {
    session.close();
    await progress.end();
  }
}
