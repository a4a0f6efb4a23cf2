import { followSwitchover } from '../roles/haproxy/runtime.ts';
import { ANSWER_S } from '../src/bounds/hosts.ts';
import { named, switched } from '../src/bounds/patroni.ts';
import { checkpoint as checkpointTime, FOLLOW_S, switchover as switchoverTime } from '../src/bounds/postgres.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { bestCandidate, maySwitchOver } from '../src/decisions/switchover.ts';
import { codesOf, type Verdict, verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { attempted, settleAll, settled } from '../src/engine/pool.ts';
import { Refused, StepFailed } from '../src/errors.ts';
import { type Cluster, commitsWait, type Host, hostsWith, serverOf } from '../src/inventory/model.ts';
import { patroniRest } from '../src/observe/patroni.ts';
import { awaitRole, awaitSynchronous, switchover } from '../src/programs/patroni.ts';
import { checkpoint } from '../src/programs/postgres.ts';

/**
 * Chooses the candidate, or returns every reason against a switchover. `wanted` names the candidate; otherwise the best
 * one is taken.
 */
export function chooseCandidate(
  cluster: Cluster,
  snapshot: Snapshot,
  wanted?: string,
): { verdict: Verdict; from: string; to: string } {
  const synchronous = commitsWait(cluster);
  const to = wanted ?? bestCandidate(snapshot, synchronous)?.name;
  return {
    verdict: to === undefined ? verdict(['no member may take over']) : maySwitchOver(snapshot, to, synchronous),
    from: snapshot.leader?.name ?? '',
    to: to ?? '',
  };
}

/**
 * Moves the leadership to `wanted` or the best candidate. A checkpoint first shortens the old leader's shutdown. The
 * balancers are switched the moment the new one leads. Done when both hosts report their new roles themselves. Throws
 * Refused or StepFailed; nothing is ever forced.
 */
export async function switchOver(op: Operation, wanted?: string): Promise<void> {
  const { cluster } = op;
  const snapshot = await op.observe(hostsWith(cluster, 'patroni'), { about: ['members'] });
  const choice = chooseCandidate(cluster, snapshot, wanted);
  if (!choice.verdict.ok)
    throw new Refused(`the switchover is refused: ${choice.verdict.reasons.join('; ')}`, ...codesOf(choice.verdict));
  const [from, to] = [op.host(choice.from), op.host(choice.to)];
  await op.between('switchover', { FROM: from.name, TO: to.name }, () => moveLeadership(op, snapshot, from, to));
}

/** Moves the leadership from one member to the other. */
async function moveLeadership(op: Operation, snapshot: Snapshot, from: Host, to: Host): Promise<void> {
  const { cluster } = op;
  for (const host of [from, to])
    await op.step(host, 'checkpoint', 'patroni', 'run', (remote) =>
      remote.run(checkpoint(serverOf(cluster)), checkpointTime(sharedBuffers(snapshot, host.name))),
    );
  const started = op.clock.now();
  await op.step(from, `switchover to ${to.name}`, 'patroni', 'run', async () => {
    // Balancers of a standby cluster route no writes.
    const following = cluster.upstream ? [] : hostsWith(cluster, 'haproxy');
    const followed = settleAll(following, op.session.options.forks, (balancer) =>
      op.ask(balancer, 'follow the switchover', followSwitchover(from, to, cluster, FOLLOW_S), FOLLOW_S + ANSWER_S),
    );
    const seconds = switchoverTime(sharedBuffers(snapshot, from.name));
    await op.ask(
      from,
      'switchover',
      switchover(patroniRest(cluster, from), from.name, to.name, seconds),
      seconds + ANSWER_S,
    );
    await seenOnBoth(op, from, to);
    // HAProxy's own checks decide in the end, so a balancer that was not reached is only slower.
    attempted(await followed);
  });
  op.switchovers.push({ from: from.name, to: to.name, duration_ms: Math.round(op.clock.now() - started) });
  if (commitsWait(cluster)) await synchronousAgain(op, to);
}

/**
 * Waits until the new leader reports that it leads and the old one that it follows, each on its own host; Patroni's
 * answer alone is not believed.
 */
async function seenOnBoth(op: Operation, from: Host, to: Host): Promise<void> {
  const seconds = switched(op.cluster.timing);
  const wait = async (host: Host, role: 'leader' | 'replica') => {
    op.say(host, `waiting until ${host.name} ${role === 'leader' ? 'leads' : 'follows'}`);
    try {
      await op.ask(host, 'switchover', awaitRole(patroniRest(op.cluster, host), role, seconds), seconds + ANSWER_S);
    } catch (cause) {
      if (!(cause instanceof StepFailed)) throw cause;
      const what = `${host.name} does not ${role === 'leader' ? 'lead' : 'follow'} within ${seconds} s`;
      throw new StepFailed(
        host.name,
        'switchover',
        `${what}: ${cause.reason}. Nothing else was stopped; see hapg status`,
      );
    }
  };
  settled(await Promise.allSettled([wait(to, 'leader'), wait(from, 'replica')]));
}

/** Waits until a standby of the new leader is synchronous, so that the looks that follow find the cluster whole. */
async function synchronousAgain(op: Operation, leader: Host): Promise<void> {
  op.say(leader, 'waiting until commits are on two hosts again');
  const seconds = named(op.cluster.timing);
  await op.ask(leader, 'switchover', awaitSynchronous(patroniRest(op.cluster, leader), seconds), seconds + ANSWER_S);
}
