import { newRunId } from '../engine/journal.ts';
import { settleAll } from '../engine/pool.ts';
import { UsageError } from '../errors.ts';
import { JOURNALS } from '../roles.ts';
import { SecretStore } from '../secrets/store.ts';
import { quote, words } from '../shell/quote.ts';
import { screen } from '../view/screen.ts';
import { paint } from '../view/style.ts';
import { type CommonOptions, GO_WITHOUT, print, setup, start, unreachableError } from './common.ts';

const FOLLOW_MS = 1000;

/** `hapg logs`: the journals of all hosts, merged by time; `-f` goes on. */
export async function logsCommand(
  units: readonly string[],
  options: CommonOptions & { since: string; follow?: boolean },
): Promise<number> {
  const made = setup({ ...options, quiet: true });
  const wanted = units.length > 0 ? units : JOURNALS;
  for (const unit of wanted) if (!/^[A-Za-z0-9@._:-]+$/.test(unit)) throw new UsageError(`${unit}: not a unit`);
  const store = await SecretStore.read(made.cluster);
  const { session, progress, interrupt } = await start(made, newRunId(), () => store?.all() ?? []);
  try {
    const unreachable = await session.openAll(made.hosts);
    if (unreachable.size > 0) throw unreachableError(unreachable, GO_WITHOUT);
    await progress.end();
    const cursors = new Map<string, string>();
    const width = Math.max(...made.hosts.map((host) => host.name.length));
    do {
      const answers = await settleAll(made.hosts, session.options.forks, async (host) => {
        const from = cursors.has(host.name)
          ? `--after-cursor=${quote(cursors.get(host.name)!)}`
          : `--since=${quote(options.since)}`;
        const { output } = await session.ask(
          host,
          `journalctl -q --no-pager -o short-iso-precise --show-cursor ${from} ${words(...wanted.flatMap((unit) => ['-u', unit]))}`,
        );
        const lines = output.split('\n').filter(Boolean);
        const cursor = lines.findLast((line) => line.startsWith('-- cursor: '));
        if (cursor) cursors.set(host.name, cursor.slice('-- cursor: '.length));
        return lines.filter((line) => !line.startsWith('-- ')).map((line) => ({ host: host.name, line }));
      });
      const merged = answers
        .flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
        .sort((a, b) => (a.line < b.line ? -1 : 1));
      for (const { host, line } of merged) print(`${paint.cyan(host.padEnd(width))} ${line}`);
      if (options.follow) await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    } while (options.follow && interrupt.level === 0 && screen.isRead);
    return 0;
  } finally {
    session.close();
    await progress.end();
  }
}
