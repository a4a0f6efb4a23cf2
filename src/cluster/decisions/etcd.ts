import type { Snapshot } from '../snapshot.ts';
import { type Verdict, verdict } from './verdict.ts';

/** May this etcd member be restarted or taken away? The healthy voters without it must still be a quorum. */
export function mayStopEtcd(name: string, snapshot: Snapshot): Verdict {
  const voters = snapshot.dcs.members.filter((member) => !member.learner);
  const quorum = Math.floor(voters.length / 2) + 1;
  const others = voters.filter((member) => member.healthy && member.name !== name).length;
  if (others >= quorum || voters.length === 1) return { ok: true };
  const ill = voters.filter((member) => !member.healthy).map((member) => member.name);
  return verdict([
    `etcd has ${others} other healthy voters of ${voters.length}, ${quorum} are needed${ill.length > 0 ? `; not healthy: ${ill.join(', ')}` : ''}`,
  ]);
}
