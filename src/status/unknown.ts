import type { Snapshot } from '../cluster/snapshot.ts';
import { backupHosts, type Cluster, dcsHosts, type Host, hostsWith } from '../inventory/model.ts';
import { type Answer, silence } from '../observe/answer.ts';
import { covers, type Observation } from '../observe/index.ts';
import type { About } from '../observe/question.ts';
import type { Report } from './backup-status.ts';

/** A part of the status. */
export type Unknown = 'members' | 'dcs' | 'vip' | 'backup';

/** What is unknown when a host is silent about a question, in words. HAProxy and the pool have problems of their own. */
const UNKNOWN: readonly [part: keyof Observation, (cluster: Cluster) => string][] = [
  ['patroni', () => 'Patroni does not answer: whether this member runs, and who leads, is unknown from there'],
  ['sql', () => 'PostgreSQL does not answer: archiving, open transactions and replication slots are unknown'],
  ['dcs', ({ dcs }) => `${dcs.label} does not answer: its health is unknown from there`],
  ['repository', () => 'pgBackRest does not answer: the backups are unknown'],
  ['schedule', () => 'systemd does not answer: whether backups are scheduled is unknown'],
  ['space', () => 'the storage does not answer: how much room there is for backups is unknown'],
  ['dataDirectory', () => 'the data directory cannot be read: whether there is a database is unknown'],
  ['units', () => 'systemd does not answer: whether something temporary is set is unknown'],
  ['vipHeld', () => 'its addresses cannot be read: whether it holds the VIP is unknown'],
];

/** Reports what is not known as unknown, and neither as healthy nor as broken. */
export function silenceProblems(
  cluster: Cluster,
  { observations }: Snapshot,
  about: readonly About[],
  problem: Report,
): void {
  const asked = UNKNOWN.filter(([part]) => covers(about, part));
  for (const [host, seen] of observations)
    for (const [part, words] of asked) {
      // A silent external DCS is reported once, for all hosts.
      const reason =
        part === 'dcs' && cluster.dcs.external ? undefined : silence(seen[part] as Answer<unknown> | undefined);
      if (reason !== undefined) problem('unknown', host, `${host}: ${words(cluster)} (${reason})`);
    }
}

/** Whether nobody could be asked for the members: then none counts as present or missing. */
const membersUnknown = (cluster: Cluster, { members, observations }: Snapshot): boolean =>
  members.length === 0 &&
  hostsWith(cluster, 'patroni').every((host) => {
    const seen = observations.get(host.name);
    return seen === undefined || silence(seen.patroni) !== undefined;
  });

/** Parts of which nobody could be asked, in words. */
export const UNKNOWN_PARTS: Record<Unknown, (cluster: Cluster) => string> = {
  members: () => 'no database host could be asked who leads and who follows',
  dcs: ({ dcs }) => `no host could be asked for ${dcs.label}: whether it has a quorum, and its members, are unknown`,
  vip: ({ vip }) =>
    `no balancer that could be asked holds the VIP ${vip!.address}; whether another one does is unknown`,
  backup: () => 'no host that has the backups could be asked for them',
};

/** Returns the parts of which nobody could be asked; `unreachable` are hosts without an answer. */
export function unknownParts(
  cluster: Cluster,
  snapshot: Snapshot,
  unreachable: ReadonlyMap<string, string>,
): Unknown[] {
  const away = (hosts: readonly Host[]) => hosts.filter(({ name }) => unreachable.has(name));
  const allAway = (hosts: readonly Host[]) => hosts.length > 0 && away(hosts).length === hosts.length;
  const voters = cluster.dcs.external ? hostsWith(cluster, 'patroni') : dcsHosts(cluster);
  const balancers = hostsWith(cluster, 'keepalived');
  return [
    ...(membersUnknown(cluster, snapshot) ? (['members'] as const) : []),
    ...(allAway(voters) ? (['dcs'] as const) : []),
    ...(cluster.vip && snapshot.vipHolders.length === 0 && away(balancers).length > 0 ? (['vip'] as const) : []),
    ...(cluster.repositories.length > 0 && allAway(backupHosts(cluster)) ? (['backup'] as const) : []),
  ];
}
