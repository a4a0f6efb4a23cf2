import { passes } from '../clock.ts';
import { takeSnapshot } from '../cluster/snapshot.ts';
import { isHeldBy } from '../engine/lock.ts';
import { settleAll } from '../engine/pool.ts';
import { observe } from '../engine/probe.ts';
import type { Session } from '../engine/session.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import type { Observation } from '../observe/index.ts';
import type { About } from '../observe/question.ts';
import type { SecretStore } from '../secrets/store.ts';
import { type Problem, type Status, statusOf } from '../status/status.ts';

/** Reads the status of the cluster in one round trip per host. Unreachable hosts are problems, not errors. */
export async function takeStatus(
  session: Session,
  cluster: Cluster,
  hosts: readonly Host[],
  store: SecretStore | undefined,
  about?: readonly About[],
): Promise<Status> {
  const unreachable = new Map<string, string>(
    [...(await session.openAll(hosts))].map(([name, error]) => [name, error.message]),
  );
  const there = hosts.filter((host) => !unreachable.has(host.name));
  const answers = await settleAll(
    there,
    session.options.forks,
    async (host) => [host.name, withoutOwnLock(session, await observe(session, host, about))] as const,
  );
  for (const [index, answer] of answers.entries())
    if (answer.status === 'rejected') {
      unreachable.set(there[index]!.name, (answer.reason as Error).message);
      session.disconnect(there[index]!);
    }
  const observations = new Map(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
  return statusOf(cluster, takeSnapshot(observations), unreachable, store?.known(), Date.now(), about);
}

/** Ignores this run's own lock: what is temporary under another run's lock is its work, under this one's it is left over. */
const withoutOwnLock = ({ options }: Session, seen: Observation): Observation =>
  seen.holder !== undefined && isHeldBy(seen.holder, options.run) ? { ...seen, holder: undefined } : seen;

/** The subjects that change while a cluster settles. Backups and certificates do not, and cost the hosts most. */
const MOVING: readonly About[] = ['host', 'members', 'balancers'];
/** Interval between observations (ms): hosts that have just handed over are busy with that. */
const EVERY_MS = 1000;
/** Number of observations of `MOVING` before a full one. */
const LOOKS = 10;

/**
 * The last status, once every problem is expected (the synchronous standby is named a cycle late) or `waitMs` have passed.
 */
export async function settledStatus(
  session: Session,
  cluster: Cluster,
  store: SecretStore,
  waitMs: number,
  expects: (problem: Problem) => boolean = () => false,
): Promise<Status> {
  const settled = ({ problems }: Status) => problems.every(expects);
  const { clock, interrupt } = session;
  const end = clock.now() + waitMs;
  for (;;) {
    const status = await takeStatus(session, cluster, cluster.hosts, store);
    for (let looks = 0; ; looks++) {
      if (settled(status) || clock.now() > end || !(await passes(clock, EVERY_MS, interrupt.soft))) return status;
      if (looks === LOOKS || settled(await takeStatus(session, cluster, cluster.hosts, store, MOVING))) break;
    }
  }
}
