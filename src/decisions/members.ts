import type { Member, Snapshot } from '../cluster/snapshot.ts';
import { type Cluster, commitsWait, hostsWith } from '../inventory/model.ts';
import { pauseWords } from './holds.ts';
import { all, type Verdict, verdict } from './verdict.ts';

const behind = (member: Member, maxLagBytes: number) => member.lagBytes === undefined || member.lagBytes > maxLagBytes;
export const describe = (member: Member) =>
  `${member.name} is ${member.state}${member.lagBytes ? `, ${member.lagBytes} bytes behind` : ''}`;

/** The default limit of a replica's lag (bytes). */
export const MAX_LAG_BYTES = 16 * 1024 * 1024;

/** Whether a leader runs. The leader of a standby cluster streams, which older versions of Patroni do not report. */
export const leaderRuns = ({ role, state }: Member): boolean =>
  state === 'running' || (role === 'standby_leader' && state === 'streaming');

/** All members there, one leader, replicas streaming on its timeline and caught up. */
export function membersStreaming(cluster: Cluster, snapshot: Snapshot, maxLagBytes = MAX_LAG_BYTES): Verdict {
  const reasons: string[] = [];
  if (snapshot.paused) reasons.push(pauseWords(snapshot));
  if (!snapshot.leader) reasons.push('no member leads');
  if (snapshot.leaders.length > 1) reasons.push(`two leaders: ${snapshot.leaders.join(' and ')}`);
  for (const host of hostsWith(cluster, 'patroni')) {
    const member = snapshot.members.find((one) => one.name === host.name);
    if (!member) reasons.push(`${host.name} is not a member`);
    else if (member.role === 'leader' || member.role === 'standby_leader') {
      if (!leaderRuns(member)) reasons.push(describe(member));
    } else {
      if (member.state !== 'streaming' || behind(member, maxLagBytes)) reasons.push(describe(member));
      if (snapshot.timeline !== undefined && member.timeline !== undefined && member.timeline !== snapshot.timeline)
        reasons.push(`${member.name} is on timeline ${member.timeline}, the leader on ${snapshot.timeline}`);
    }
  }
  return verdict(reasons, 'member');
}

/** Whether commits wait for this member. */
export const isSynchronous = ({ role }: Member): boolean => role === 'sync_standby' || role === 'quorum_standby';

/** Are there as many synchronous standbys as commits should wait for, as far as members may be one? */
export function synchronousStandbyThere(cluster: Cluster, snapshot: Snapshot): Verdict {
  if (!commitsWait(cluster)) return verdict([]);
  const able = snapshot.members.filter((member) => member !== snapshot.leader && member.tags.nosync !== true);
  const wanted = Math.max(1, Math.min(cluster.synchronousNodes, able.length));
  const there = snapshot.members.filter(isSynchronous).length;
  if (there >= wanted) return verdict([]);
  return verdict(
    [there === 0 ? 'there is no synchronous standby' : `there are ${there} synchronous standbys instead of ${wanted}`],
    'no_sync_standby',
  );
}

/** The condition between two restarts: all members stream, and commits are protected. */
export const membersHealthy = (cluster: Cluster, snapshot: Snapshot, maxLagBytes = MAX_LAG_BYTES): Verdict =>
  all(membersStreaming(cluster, snapshot, maxLagBytes), synchronousStandbyThere(cluster, snapshot));
