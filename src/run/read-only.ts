import { type Snapshot, takeSnapshot } from '../cluster/snapshot.ts';
import { settleAll, settled } from '../engine/pool.ts';
import { observe } from '../engine/probe.ts';
import type { Session } from '../engine/session.ts';
import type { Host } from '../inventory/model.ts';
import { SecretStore } from '../secrets/store.ts';
import { printMessage } from './ask.ts';
import { GO_WITHOUT, reachAll, reachSome } from './reach.ts';
import { type Run, withRun } from './run.ts';
import type { Setup } from './setup.ts';

/** Runs a command that changes nothing, without lock and journal. The secret store is read for redaction. */
export async function readOnlyRun<T>(setup: Setup, command: string, work: (run: Run) => Promise<T>): Promise<T> {
  const store = await SecretStore.read(setup.cluster);
  return withRun(setup, command, { secrets: () => store?.all() ?? [] }, work);
}

/**
 * Asks all selected hosts at once and returns their answers in the inventory's order. Throws the reasons where a host
 * is unreachable, and the first failure.
 */
export async function askEach<T>(run: Run, ask: (host: Host) => Promise<T>): Promise<T[]> {
  const { setup, session, progress } = run;
  const { hosts } = setup;
  await reachAll(run, hosts, GO_WITHOUT);
  const answers = settled(await settleAll(hosts, session.options.forks, ask));
  await progress.end();
  return answers;
}

/** Observes the reachable ones of some hosts and reports the others. Throws the reasons when none can be reached. */
export const observeHosts = <T>(
  setup: Setup,
  command: string,
  hosts: readonly Host[],
  work: (snapshot: Snapshot, session: Session, reached: Host[]) => T | Promise<T>,
): Promise<T> =>
  readOnlyRun(setup, command, async (run) => {
    const { session, progress } = run;
    const { reached, missing } = await reachSome(run, hosts);
    for (const message of missing) printMessage(message);
    const answers = await settleAll(reached, session.options.forks, (host) => observe(session, host));
    const observations = answers.flatMap((one, index) =>
      one.status === 'fulfilled' ? [[reached[index]!.name, one.value] as const] : [],
    );
    await progress.end();
    return work(takeSnapshot(new Map(observations)), session, reached);
  });
