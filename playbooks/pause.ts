import { gate } from '../src/bounds/patroni.ts';
import { PATRONICTL_S } from '../src/bounds/programs.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { type Verdict, verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { attempted, settleAll, settled } from '../src/engine/pool.ts';
import { type Host, patroniScope } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { changePause } from '../src/programs/patroni.ts';

/** Do all of these members see the cluster as paused, or as not paused? */
const allSee = (hosts: readonly Host[], paused: boolean, { observations }: Snapshot): Verdict =>
  verdict(
    hosts.flatMap(({ name }) => {
      const its = said(observations.get(name)?.patroni);
      if (!its) return [`${name} does not report whether the cluster is paused`];
      return its.paused === paused
        ? []
        : [`${name} does not see yet that the cluster is ${paused ? '' : 'not '}paused`];
    }),
  );

const awaitAll = (op: Operation, hosts: readonly Host[], paused: boolean) =>
  op.until(
    hosts[0]!,
    paused ? 'pause' : 'resume',
    gate(op.cluster.timing),
    (snapshot) => allSee(hosts, paused, snapshot),
    { hosts, about: ['members'], everyMs: 1000 },
  );

/**
 * Pauses automatic failover for `seconds`. Every one of these hosts will end the pause at that time, so that one that
 * lives is enough. `hosts` are database hosts whose Patroni runs, the leader first.
 */
export async function pause(op: Operation, hosts: readonly Host[], seconds: number): Promise<void> {
  const scope = patroniScope(op.cluster);
  op.stage('pause', hosts);
  try {
    const set = await settleAll(hosts, op.session.options.forks, (host) =>
      op.setHold(host, 'pause', changePause(scope, 'resume'), seconds),
    );
    settled(set);
    await op.step(hosts[0]!, 'pause', 'patroni', 'run', (remote) =>
      remote.run(changePause(scope, 'pause'), PATRONICTL_S),
    );
    await awaitAll(op, hosts, true);
  } catch (cause) {
    attempted(await settleAll(hosts, op.session.options.forks, (host) => op.endHold(host, 'pause')));
    throw cause;
  }
}

/** Ends a pause, hapg's or somebody else's. `hosts` are database hosts whose Patroni runs, the leader first. */
export async function resume(op: Operation, hosts: readonly Host[]): Promise<void> {
  op.stage('resume', hosts);
  await op.step(hosts[0]!, 'resume', 'patroni', 'run', (remote) =>
    remote.run(changePause(patroniScope(op.cluster), 'resume'), PATRONICTL_S),
  );
  await awaitAll(op, hosts, false);
  settled(await settleAll(hosts, op.session.options.forks, (host) => op.dropHold(host, 'pause')));
}
