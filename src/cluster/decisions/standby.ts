import type { Cluster } from '../../inventory/model.ts';
import type { Snapshot } from '../snapshot.ts';
import { type Verdict, verdict } from './verdict.ts';

/** The live cluster is what the inventory says: a copy, or one that stands by itself. */
export function standing({ source, file }: Cluster, { leader }: Snapshot): Verdict {
  if (!leader || (leader.role === 'standby_leader') === (source !== undefined)) return verdict([]);
  return verdict([
    source
      ? `${leader.name} leads and takes writes, and ${file} says that this is a standby of ${source.name}: take standby_of out of it ("hapg promote" does), or build the copy anew on empty hosts`
      : `${leader.name} leads a standby cluster, and ${file} says standby_of no more: "hapg promote" makes it one that takes writes`,
  ]);
}

/** Whether a copy gets what its source writes; in time, for the cascade behind it has its own checks. */
export function receives({ source }: Cluster, snapshot: Snapshot): Verdict {
  const { leader, observations } = snapshot;
  const sql = leader && observations.get(leader.name)?.sql;
  if (!source || leader?.role !== 'standby_leader' || !sql) return verdict([]);
  return verdict(
    sql.receiver?.status === 'streaming'
      ? []
      : [`${leader.name} gets nothing from ${source.name}${sql.receiver ? ` (${sql.receiver.status})` : ''}`],
  );
}

/** May a copy become a cluster that takes writes? Not while its source is there, unless that is wanted (`besideSource`). */
export function mayPromote(snapshot: Snapshot, besideSource: boolean): Verdict {
  const { leader, observations, paused } = snapshot;
  const receiver = leader && observations.get(leader.name)?.sql?.receiver;
  return verdict([
    ...(paused ? ['the cluster is paused: "patronictl resume" first'] : []),
    ...(leader ? [] : ['no member leads']),
    ...(receiver?.status === 'streaming' && !besideSource
      ? [
          `${leader!.name} still gets what ${receiver.from ?? 'its source'} writes, so there would be two clusters that take writes. Stop Patroni on all hosts of the source first (then nothing is lost), or say --beside-source for an independent copy`,
        ]
      : []),
  ]);
}
