import type { Snapshot } from '../cluster/snapshot.ts';
import type { Cluster } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import { pauseWords } from './holds.ts';
import { type Verdict, verdict } from './verdict.ts';

/** Is the live cluster what the inventory says: a standby cluster, or an independent one? */
export function standbyAsDeclared({ upstream, file }: Cluster, { leader }: Snapshot): Verdict {
  if (!leader || (leader.role === 'standby_leader') === (upstream !== undefined)) return verdict([]);
  return verdict(
    [
      upstream
        ? `${leader.name} leads and takes writes, and ${file} says that this is a standby of ${upstream.name}: take standby_of out of it ("hapg promote" does), or build the copy anew on empty hosts`
        : `${leader.name} leads a standby cluster, and ${file} no longer has standby_of: "hapg promote" makes it one that takes writes`,
    ],
    'standing',
  );
}

/** Does the leader of a standby cluster get WAL from its upstream? The lag of the others is judged as everywhere. */
export function receivesWal({ upstream }: Cluster, snapshot: Snapshot): Verdict {
  const { leader, observations } = snapshot;
  const sql = leader && said(observations.get(leader.name)?.sql);
  if (!upstream || leader?.role !== 'standby_leader' || !sql) return verdict([]);
  return verdict(
    sql.receiver?.status === 'streaming'
      ? []
      : [`${leader.name} gets nothing from ${upstream.name}${sql.receiver ? ` (${sql.receiver.status})` : ''}`],
    'standing',
  );
}

/**
 * May a standby cluster be promoted? Not while its upstream answers, unless that is wanted (`besideUpstream`).
 * `answers` are the upstream's hosts whose PostgreSQL answers.
 */
export function mayPromote(snapshot: Snapshot, answers: readonly string[], besideUpstream: boolean): Verdict {
  const { leader, observations, paused } = snapshot;
  const receiver = leader && said(observations.get(leader.name)?.sql)?.receiver;
  const there = [
    ...new Set([...answers, ...(receiver?.status === 'streaming' && receiver.from ? [receiver.from] : [])]),
  ];
  return verdict(
    [
      ...(paused ? [`${pauseWords(snapshot)}: "hapg resume" first`] : []),
      ...(leader ? [] : ['no member leads']),
      ...(there.length > 0 && !besideUpstream
        ? [
            `its source is there, at ${there.join(', ')}, so there would be two clusters that take writes. Stop Patroni on its members that do not lead, then on the one that does (nothing is lost then), or use --beside-source for an independent copy`,
          ]
        : []),
    ],
    'standing',
  );
}
