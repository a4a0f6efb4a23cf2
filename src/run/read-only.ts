import { type Snapshot, takeSnapshot } from '../cluster/snapshot.ts';
import { stopOn } from '../engine/interrupt.ts';
import { settleAll, settled } from '../engine/pool.ts';
import { observe } from '../engine/probe.ts';
import type { Session } from '../engine/session.ts';
import type { Host } from '../inventory/model.ts';
import type { About } from '../observe/question.ts';
import { SecretStore } from '../secrets/store.ts';
import { printMessage } from './ask.ts';
import { reachSome } from './reach.ts';
import { type Run, withRun } from './run.ts';
import type { Setup } from './setup.ts';

/** Runs a command that changes nothing, without lock and journal. The secret store is read for redaction. */
export async function readOnlyRun<T>(setup: Setup, command: string, work: (run: Run) => Promise<T>): Promise<T> {
  const store = await SecretStore.read(setup.cluster);
  return withRun(setup, command, { secrets: () => store?.all() ?? [] }, work);
}

/** Connects to the reachable ones of some hosts and names the others. Throws the reasons where none is reachable. */
export async function reachAny(run: Run, hosts: readonly Host[]): Promise<Host[]> {
  const { reached, missing } = await reachSome(run, hosts);
  for (const message of missing) printMessage(message);
  return reached;
}

/** The answer of one host. */
export interface HostAnswer<T> {
  host: Host;
  answer: T;
}

/**
 * Asks hosts at once, by default the selected ones, and returns the answers in the inventory's order. A host that is
 * unreachable or fails is named with the reason and has no answer. Throws the reasons where no host answers.
 */
export async function askEach<T>(
  run: Run,
  ask: (host: Host) => Promise<T>,
  hosts: readonly Host[] = run.setup.hosts,
): Promise<HostAnswer<T>[]> {
  const { session, progress } = run;
  const reached = await reachAny(run, hosts);
  const results = await settleAll(reached, session.options.forks, ask);
  stopOn(session.interrupt.hard);
  if (!results.some(({ status }) => status === 'fulfilled')) settled(results);
  await progress.end();
  return results.flatMap((result, index) => {
    const host = reached[index]!;
    if (result.status === 'fulfilled') return [{ host, answer: result.value }];
    printMessage(failureOf(host, result.reason as Error));
    return [];
  });
}

/** The reason of a failure, which begins with the host's name. */
const failureOf = ({ name }: Host, { message }: Error): string =>
  message.startsWith(`${name}: `) ? message : `${name}: ${message}`;

/**
 * Observes `about` of the reachable ones of some hosts, and names the others and those that fail. Throws the reasons
 * where no host answers.
 */
export const observeHosts = <T>(
  setup: Setup,
  command: string,
  { hosts, about }: { hosts: readonly Host[]; about: readonly About[] },
  work: (snapshot: Snapshot, session: Session, reached: Host[]) => T | Promise<T>,
): Promise<T> =>
  readOnlyRun(setup, command, async (run) => {
    const { session } = run;
    const answers = await askEach(run, (host) => observe(session, host, about), hosts);
    const observations = new Map(answers.map(({ host, answer }) => [host.name, answer]));
    return work(
      takeSnapshot(observations),
      session,
      answers.map(({ host }) => host),
    );
  });
