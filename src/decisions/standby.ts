import type { Snapshot } from '../cluster/snapshot.ts';
import type { Cluster } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
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

/** Whether the member that leads a copy gets WAL from the source; how far the others are behind it is judged as everywhere. */
export function receives({ source }: Cluster, snapshot: Snapshot): Verdict {
  const { leader, observations } = snapshot;
  const sql = leader && said(observations.get(leader.name)?.sql);
  if (!source || leader?.role !== 'standby_leader' || !sql) return verdict([]);
  return verdict(
    sql.receiver?.status === 'streaming'
      ? []
      : [`${leader.name} gets nothing from ${source.name}${sql.receiver ? ` (${sql.receiver.status})` : ''}`],
  );
}

/**
 * May a copy become a cluster that takes writes? Not while its source is there, unless that is wanted (`besideSource`).
 * `answers` are the source's hosts where PostgreSQL answers.
 */
export function mayPromote(snapshot: Snapshot, answers: readonly string[], besideSource: boolean): Verdict {
  const { leader, observations, paused } = snapshot;
  const receiver = leader && said(observations.get(leader.name)?.sql)?.receiver;
  const there = [
    ...new Set([...answers, ...(receiver?.status === 'streaming' && receiver.from ? [receiver.from] : [])]),
  ];
  return verdict([
    ...(paused ? ['the cluster is paused: "patronictl resume" first'] : []),
    ...(leader ? [] : ['no member leads']),
    ...(there.length > 0 && !besideSource
      ? [
          `its source is there, at ${there.join(', ')}, so there would be two clusters that take writes. Stop Patroni on its members that do not lead, then on the one that does (nothing is lost then), or say --beside-source for an independent copy`,
        ]
      : []),
  ]);
}
