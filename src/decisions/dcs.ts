import type { Snapshot } from '../cluster/snapshot.ts';
import { type Cluster, dcsHosts } from '../inventory/model.ts';
import { said, silence } from '../observe/answer.ts';
import { type Verdict, verdict } from './verdict.ts';

/** May this member of the DCS be restarted or removed? The healthy voters without it must still be a quorum. */
export function mayStopDcs({ dcs: { label } }: Cluster, name: string, snapshot: Snapshot): Verdict {
  const voters = snapshot.dcs.members.filter((member) => !member.learner);
  if (voters.length === 0) return verdict([`the members of ${label} do not report their state`], 'dcs');
  const quorum = Math.floor(voters.length / 2) + 1;
  const others = voters.filter((member) => member.healthy && member.name !== name).length;
  if (others >= quorum || voters.length === 1) return { ok: true };
  const ill = voters.filter((member) => !member.healthy).map((member) => member.name);
  return verdict(
    [
      `${label} has ${others} other healthy voters of ${voters.length}, ${quorum} are needed${ill.length > 0 ? `; not healthy: ${ill.join(', ')}` : ''}`,
    ],
    'dcs',
  );
}

/**
 * Is the DCS new: nothing of it runs, or what runs has no leader and no members yet? One that does not answer in time may
 * be a living one whose disk hangs.
 */
export function dcsIsNew(cluster: Cluster, snapshot: Snapshot): boolean {
  if (snapshot.dcs.members.length > 0 || snapshot.initialize !== undefined) return false;
  return dcsHosts(cluster).every(({ name }) => {
    const seen = snapshot.observations.get(name)?.dcs;
    return silence(seen) === undefined && /^0?$/.test(said(seen)?.leader ?? '');
  });
}

/** Every DCS member of the model exists, votes and is healthy; an external DCS answers. */
export function dcsHealthy(cluster: Cluster, snapshot: Snapshot): Verdict {
  const { label } = cluster.dcs;
  const reasons: string[] = [];
  if (!snapshot.dcs.quorum && (cluster.dcs.external || dcsHosts(cluster).length > 0))
    reasons.push(`${label} ${cluster.dcs.external ? 'does not answer' : 'has no quorum'}`);
  for (const host of dcsHosts(cluster)) {
    const member = snapshot.dcs.members.find((one) => one.name === host.name);
    if (!member) reasons.push(`${host.name} is not a member of ${label}`);
    else if (member.learner) reasons.push(`${host.name} has no vote in ${label} yet`);
    else if (!member.healthy) reasons.push(`${label} on ${host.name} is not healthy`);
  }
  return verdict(reasons, 'dcs');
}
