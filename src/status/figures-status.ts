import { endpointsOf } from '../cluster/connect.ts';
import { readHistory } from '../cluster/history.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { type Cluster, commitsWait } from '../inventory/model.ts';
import { hostPort } from '../inventory/network.ts';
import { said } from '../observe/answer.ts';
import type { Figures, ServerFigures } from '../observe/figures.ts';

/** The figures of one member; its keys are part of the outside contract. Null: not known. */
export interface MemberFigures {
  versions: { postgresql: string | null; patroni: string | null };
  connections: { used: number; max: number } | null;
  storage: { path: string; size_bytes: number; free_bytes: number }[];
}

/** The figures of the cluster; its keys are part of the outside contract. Null: not known. */
export interface ClusterFigures {
  /** How commits are kept: the mode that is declared, and the standbys that commits wait for now. */
  replication: { mode: Cluster['replication']; strict: boolean; standbys: number; synchronous: string[] };
  databases: { name: string; bytes: number }[] | null;
  /** The slots of the leader. */
  slots: { name: string; type: string; active: boolean; kept_bytes: number | null }[] | null;
  /** The last change of leader as Patroni noted it; null where there was none or nobody answers. */
  last_change: { at: string | null; from: string | null; to: string | null; timeline: number; reason: string } | null;
  /** Where clients connect, HOST:PORT. */
  endpoints: { write: string[]; read: string[] };
}

const figuresOf = ({ observations }: Snapshot, name: string): Figures | undefined =>
  said(observations.get(name)?.figures);

const serverOf = (snapshot: Snapshot, name: string): ServerFigures | undefined =>
  said(figuresOf(snapshot, name)?.server) ?? undefined;

/** Returns the figures of a member. Pure. */
export function memberFigures(snapshot: Snapshot, name: string): MemberFigures {
  const server = serverOf(snapshot, name);
  const self = said(snapshot.observations.get(name)?.patroni)?.self?.patroni as { version?: unknown } | undefined;
  return {
    versions: {
      // Debian adds its own revision in brackets.
      postgresql: server?.version.split(' ')[0] ?? null,
      patroni: typeof self?.version === 'string' ? self.version : null,
    },
    connections: server?.connections ?? null,
    storage: (said(figuresOf(snapshot, name)?.room) ?? []).map(({ path, sizeBytes, freeBytes }) => ({
      ...{ path, size_bytes: sizeBytes, free_bytes: freeBytes },
    })),
  };
}

/** Returns the figures of a cluster. Pure. */
export function clusterFigures(cluster: Cluster, snapshot: Snapshot): ClusterFigures {
  const server = snapshot.leader && serverOf(snapshot, snapshot.leader.name);
  const waits = commitsWait(cluster);
  const endpoints = (role: 'primary' | 'any') =>
    endpointsOf(cluster, role, false).endpoints.map(({ host, port }) => hostPort(host, port));
  return {
    replication: {
      mode: cluster.replication,
      strict: waits && cluster.settings.patroni.synchronous_mode_strict,
      standbys: waits ? cluster.synchronousNodes : 0,
      synchronous: snapshot.members
        .filter(({ role }) => role === 'sync_standby' || role === 'quorum_standby')
        .map(({ name }) => name),
    },
    databases: server?.databases ?? null,
    slots:
      server?.slots.map(({ name, type, active, kept }) => ({ ...{ name, type, active }, kept_bytes: kept })) ?? null,
    last_change: lastChange(snapshot),
    endpoints: { write: endpoints('primary'), read: endpoints('any') },
  };
}

/** What `withFigures` completes: a status, as far as figures go. */
type Figured = Pick<ClusterFigures, 'databases' | 'slots' | 'last_change'> & {
  members: readonly ({ name: string } & MemberFigures)[];
};

/** Returns a status for which no figures were asked, with those of one before it. Pure. */
export function withFigures<S extends Figured>(now: S, before: Figured): S {
  const { databases, slots, last_change } = before;
  const figures = new Map(before.members.map((one) => [one.name, one]));
  const members = now.members.map((member) => {
    const its = figures.get(member.name);
    if (!its) return member;
    const versions = { ...member.versions, postgresql: its.versions.postgresql };
    return { ...member, versions, connections: its.connections, storage: its.storage };
  });
  return { ...now, members, databases, slots, last_change };
}

/** Returns the end of the newest timeline; the list of a member that was cut off may be shorter than that of others. */
function lastChange(snapshot: Snapshot): ClusterFigures['last_change'] {
  const lists = [...snapshot.observations.keys()].flatMap((name) => {
    const list = readHistory(figuresOf(snapshot, name)?.history ?? '');
    return list ? [list] : [];
  });
  const longest = lists.sort((a, b) => (b.at(-1)?.timeline ?? 0) - (a.at(-1)?.timeline ?? 0))[0] ?? [];
  const last = longest.at(-1);
  if (!last) return null;
  return {
    at: last.at,
    // Whoever the timeline before began with led until then.
    from: longest.at(-2)?.leader ?? null,
    to: last.leader,
    timeline: last.timeline + 1,
    reason: last.reason,
  };
}
