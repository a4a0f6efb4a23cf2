import { type Snapshot, takeSnapshot } from '../cluster/snapshot.ts';
import { newRunId } from '../engine/journal.ts';
import { settleAll } from '../engine/pool.ts';
import { probe } from '../engine/probe.ts';
import type { Session } from '../engine/session.ts';
import type { Host } from '../inventory/model.ts';
import { SecretStore } from '../secrets/store.ts';
import { type Setup, start, tell, unreachableError } from './common.ts';

/**
 * Connects to some hosts for a command that changes nothing and takes no lock; `work` gets what they told, and those that
 * could be reached. Throws the reasons when none could.
 */
export async function look<T>(
  made: Setup,
  hosts: readonly Host[],
  work: (snapshot: Snapshot, session: Session, reached: Host[]) => T | Promise<T>,
): Promise<T> {
  const store = await SecretStore.read(made.cluster);
  const { session, progress } = await start(made, newRunId(), () => store?.all() ?? []);
  try {
    const unreachable = await session.openAll(hosts);
    const reached = hosts.filter((host) => !unreachable.has(host.name));
    if (reached.length === 0) throw unreachableError(unreachable);
    for (const { message } of unreachable.values()) tell(message);
    const answers = await settleAll(reached, session.options.forks, (host) => probe(session, host, []));
    const seen = answers.flatMap((one, index) =>
      one.status === 'fulfilled' ? [[reached[index]!.name, one.value.observation] as const] : [],
    );
    await progress.end();
    return await work(takeSnapshot(new Map(seen)), session, reached);
  } finally {
    session.close();
    await progress.end();
  }
}
