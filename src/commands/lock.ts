import { newRunId } from '../engine/journal.ts';
import { describeHolder } from '../engine/lock.ts';
import { settleAll } from '../engine/pool.ts';
import { observe } from '../engine/probe.ts';
import { json } from '../programs/json.ts';
import { SecretStore } from '../secrets/store.ts';
import { table } from '../view/style.ts';
import { type CommonOptions, GO_WITHOUT, print, printJson, setup, start, unreachableError } from './common.ts';

/** `hapg lock`: who holds the lock of each host; takes none. */
export async function lockCommand(options: CommonOptions): Promise<number> {
  const made = setup({ ...options, quiet: true });
  const store = await SecretStore.read(made.cluster);
  const { session, progress } = await start(made, newRunId(), () => store?.all() ?? []);
  try {
    const unreachable = await session.openAll(made.hosts);
    if (unreachable.size > 0) throw unreachableError(unreachable, GO_WITHOUT);
    const answers = await settleAll(made.hosts, session.options.forks, async (host) => ({
      host: host.name,
      holder: (await observe(session, host, ['host'])).holder ?? null,
    }));
    const holders = answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
    await progress.end();
    if (made.json)
      printJson(
        holders.map(({ host, holder }) => ({ host, holder: holder === null ? null : (json(holder) ?? holder) })),
      );
    else print(table(holders.map(({ host, holder }) => [host, holder === null ? 'free' : describeHolder(holder)])));
    return 0;
  } finally {
    session.close();
    await progress.end();
  }
}
