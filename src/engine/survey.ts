import { takeSnapshot } from '../cluster/snapshot.ts';
import { Refused } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';
import { type Facts, parseFacts } from '../observe/host.ts';
import type { Observation } from '../observe/index.ts';
import type { Context, Playbook } from '../playbook.ts';
import type { SecretStore } from '../secrets/store.ts';
import { recall, remember } from './last-seen.ts';
import { expectLocked, firstOf, type Locking, lockOne, lockScript } from './lock.ts';
import { allSteps, makePlan, type Plan, type Scope } from './plan.ts';
import { settleAll } from './pool.ts';
import { type Probed, probe, probeScript } from './probe.ts';
import type { Session } from './session.ts';

export interface Survey {
  playbook: Playbook;
  scope: Scope;
  context: Context;
  facts: Map<string, Facts>;
  plan: Plan;
  probed: Map<string, Probed>;
}

/** What a command adds to the context beside the inventory. */
export type ExtraContext = Pick<Context, 'databaseBytes' | 'renewIssuedBefore' | 'prune'>;

/** Assumed facts of a host before its first probe, which corrects them. */
const UNKNOWN = parseFacts('id=debian\ncodename=trixie\ncpus=1\nmemory=1048576\nvirt=none\nipv6=yes');

/** The context of what was read of the hosts. */
export const contextOf = (
  cluster: Cluster,
  secrets: SecretStore,
  facts: ReadonlyMap<string, Facts>,
  observations: ReadonlyMap<string, Observation>,
  jumpHosts: ReadonlySet<string>,
): Context => ({
  cluster,
  secrets,
  facts: (host) => facts.get(host.name) ?? UNKNOWN,
  snapshot: takeSnapshot(observations),
  jumpHosts,
});

/** The context without asking any host: last observed facts, else usual ones. For showing files, never for changing. */
export function assumedContext(
  cluster: Cluster,
  secrets: SecretStore,
  jumpHosts: ReadonlySet<string> = new Set(),
): Context {
  const memory = recall(cluster);
  return contextOf(
    cluster,
    secrets,
    new Map(Object.entries(memory.facts)),
    new Map(Object.entries(memory.observations)),
    jumpHosts,
  );
}

/** Number of observations before a missing answer is believed; an election is over by then. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 1000;

/**
 * Whether the plan may become empty by waiting: it only waits for services; or all hosts were asked and the DCS has no
 * quorum.
 */
const maybePasses = ({ changes }: Plan, { cluster, snapshot }: Context, scope: Scope): boolean =>
  snapshot.exists &&
  ((changes.length > 0 && changes.every(({ step }) => step.startsWith('ready '))) ||
    (!snapshot.dcs.quorum && !cluster.dcs.external && scope.hosts.length === cluster.hosts.length));

/**
 * Reads everything that a playbook needs and makes the plan. The steps depend on facts and on the live cluster, which
 * the same probe reads. The first round therefore assumes the last observations, and only hosts where they were wrong
 * are asked again: one round trip per host where nothing has changed.
 *
 * `extra` is added to the context. `lock` takes the hosts' locks: the first alone, the others within the first round.
 * Rejects with the first host's failure, Locked, or Refused where a step says that what exists belongs to somebody
 * else.
 */
export async function survey(
  session: Session,
  playbook: Playbook,
  scope: Scope,
  secrets: SecretStore,
  { lock, extra = {} }: { lock?: Locking | undefined; extra?: ExtraContext } = {},
): Promise<Survey> {
  const { cluster } = session;
  const memory = recall(cluster);
  const facts = new Map(Object.entries(memory.facts));
  const observations = new Map(Object.entries(memory.observations));
  const probed = new Map<string, Probed>();
  const asked = new Map<string, string>();
  const jumpHosts = new Set((await session.jumpHosts()).keys());
  const currentContext = () => ({
    ...contextOf(cluster, secrets, facts, observations, jumpHosts),
    ...extra,
    only: scope.hosts,
  });
  let context = currentContext();
  const read = async (taking: typeof lock): Promise<void> => {
    let hosts = [...scope.hosts];
    const first = taking && firstOf(hosts);
    if (taking && first) await lockOne(session, first, taking);
    for (let round = 0; hosts.length > 0; round++) {
      if (round > 4)
        throw new Error(`the state of ${hosts.map((host) => host.name).join(', ')} changes faster than it can be read`);
      const results = await settleAll(hosts, session.options.forks, async (host) => {
        const steps = allSteps(playbook, host, context, scope).flatMap((one) => one.steps);
        asked.set(host.name, probeScript(cluster, host, steps, ''));
        if (round > 0 || !taking || host === first) {
          probed.set(host.name, await probe(session, host, steps));
          return;
        }
        const { who, waitSeconds } = taking;
        const answer = await probe(session, host, steps, {
          script: lockScript(who, waitSeconds),
          seconds: waitSeconds,
        });
        expectLocked(host, answer.prelude);
        probed.set(host.name, answer);
      });
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      if (round === 0) observations.clear();
      for (const host of hosts) {
        facts.set(host.name, probed.get(host.name)!.facts);
        observations.set(host.name, probed.get(host.name)!.observation);
      }
      context = currentContext();
      hosts = scope.hosts.filter(
        (host) =>
          probeScript(
            cluster,
            host,
            allSteps(playbook, host, context, scope).flatMap((one) => one.steps),
            '',
          ) !== asked.get(host.name),
      );
    }
  };
  await read(lock);
  let plan = makePlan(playbook, context, scope, probed);
  for (let looks = 1; looks < LOOKS && maybePasses(plan, context, scope); looks++) {
    await session.clock.sleep(LOOK_AGAIN_MS, session.interrupt.soft);
    await read(undefined);
    plan = makePlan(playbook, context, scope, probed);
  }
  remember(cluster, probed);
  if (plan.refusals.length > 0)
    throw new Refused(
      `refused, nothing was changed:\n${plan.refusals.map(({ host, text }) => `  - ${host}: ${text}`).join('\n')}`,
      'foreign',
    );
  return { playbook, scope, context, facts, probed, plan };
}
