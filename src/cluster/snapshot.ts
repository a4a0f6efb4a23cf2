import { said, silence } from '../observe/answer.ts';
import type { Observation } from '../observe/index.ts';
import type { PatroniMember } from '../observe/patroni.ts';
import type { Repository } from '../observe/repository.ts';

export type MemberRole = 'leader' | 'sync_standby' | 'quorum_standby' | 'replica' | 'standby_leader';

/** One PostgreSQL member, in the words of the outside contract. */
export interface Member {
  name: string;
  host: string;
  role: MemberRole;
  /** `running` for a leader, `streaming` for a caught-up replica, else Patroni's own word. */
  state: string;
  timeline: number | undefined;
  lagBytes: number | undefined;
  pendingRestart: boolean;
  tags: Record<string, unknown>;
}

export interface DcsMember {
  id: string;
  name: string;
  /** The address at which the other members reach it. */
  peer: string;
  healthy: boolean;
  leader: boolean;
  learner: boolean;
  /** The version that its host told. */
  version?: string | undefined;
}

/** The live cluster seen at one moment; immutable. What no host reported is undefined. */
export interface Snapshot {
  /** By host name; hosts that were not asked are missing. */
  observations: ReadonlyMap<string, Observation>;
  /** A part of a cluster exists: a data directory, an initialize key, a running Patroni. */
  exists: boolean;
  members: Member[];
  leader: Member | undefined;
  leaders: string[];
  timeline: number | undefined;
  paused: boolean;
  /** All system identifiers seen, in data directories and in the DCS. */
  systemIdentifiers: string[];
  /** The DCS's own initialize key; undefined when absent or unknown. */
  initialize: string | undefined;
  /** `blind`: it answers, but its keys could not be read. */
  dcs: { members: DcsMember[]; quorum: boolean; blind: boolean };
  vipHolders: string[];
  /** Directories of tablespaces outside the data directory, from any member. */
  tablespaces: string[];
  /** pgBackRest's report, and the host that it came from. */
  repository: (Repository & { host: string }) | undefined;
}

/** The member to which balancers send writes; empty in a standby cluster. */
export const writesGoTo = ({ leader }: Snapshot): string => (leader?.role === 'leader' ? leader.name : '');

const ROLES: Record<string, MemberRole> = {
  leader: 'leader',
  master: 'leader',
  primary: 'leader',
  sync_standby: 'sync_standby',
  quorum_standby: 'quorum_standby',
  standby_leader: 'standby_leader',
};

/** A member's replication as PostgreSQL itself reports it: Patroni's figures are up to one cycle old. */
interface Replication {
  /** The lag of its replay as the leader reports it (bytes); undefined when not reported. */
  behind: number | undefined;
  /** Whether it streams from any member; undefined when not known. */
  streams: boolean | undefined;
}

function toMember(raw: PatroniMember, { behind, streams }: Replication): Member {
  const role = ROLES[raw.role] ?? 'replica';
  // Patroni 3 calls a streaming replica "running" too, so without PostgreSQL's report a lagging one may be anything.
  const running = role !== 'leader' && raw.state === 'running';
  const state =
    running && (role === 'standby_leader' ? raw.lag === 0 : (streams ?? raw.lag === 0)) ? 'streaming' : raw.state;
  return {
    name: raw.name,
    host: raw.host ?? '',
    role,
    state,
    timeline: raw.timeline,
    lagBytes: role === 'leader' ? 0 : typeof raw.lag === 'number' ? Math.max(raw.lag, behind ?? 0) : undefined,
    pendingRestart: raw.pending_restart === true,
    tags: raw.tags ?? {},
  };
}

/** Joins the observations of all hosts, by host name. Pure. */
export function takeSnapshot(observations: ReadonlyMap<string, Observation>): Snapshot {
  const all = [...observations.values()];
  const members = mergeMembers(all);
  const initialize = all.map((one) => said(one.dcs)?.initialize).find((id) => id);
  const data = all.flatMap((one) => said(one.dataDirectory)?.systemIdentifier ?? []);
  const leaders = [
    ...new Set(
      all.flatMap((one) => {
        const self = said(one.patroni)?.self;
        return self && isLeader(self) ? [String((self.patroni as { name?: string })?.name ?? '')] : [];
      }),
    ),
  ];
  const leader = members.find((member) => member.role === 'leader' || member.role === 'standby_leader');
  return {
    observations,
    exists: all.some((one) => mayHoldDatabase(one)) || initialize !== undefined || members.length > 0,
    members,
    leader,
    leaders,
    timeline: leader?.timeline,
    paused: all.some((one) => said(one.patroni)?.paused === true),
    systemIdentifiers: [...new Set([...data, ...(initialize ? [initialize] : [])])],
    initialize,
    dcs: dcsOf(observations),
    tablespaces: all.flatMap((one) => said(one.sql) ?? [])[0]?.tablespaces ?? [],
    vipHolders: [...observations].filter(([, one]) => said(one.vipHeld) === true).map(([name]) => name),
    repository: [...observations].flatMap(([host, { repository }]) => {
      const its = said(repository);
      return its ? [{ ...its, host }] : [];
    })[0],
  };
}

/** Whether the data directory may hold a database: also when it could not be read, so that no second one is made. */
const mayHoldDatabase = ({ dataDirectory }: Observation): boolean =>
  silence(dataDirectory) !== undefined || said(dataDirectory)?.state === 'cluster';

/** Whether Patroni answers for this member. */
const runs = ({ patroni }: Observation): boolean => {
  const its = said(patroni);
  return its?.self !== undefined || its?.members !== undefined;
};

/** Whether the member reports itself as leader; its own view (`/patroni`) is newer than the DCS's. */
const isLeader = (self: Record<string, unknown>): boolean =>
  /^(leader|master|primary|standby_leader)$/.test(String(self.role)) && self.state === 'running';

/** Returns the longest member list: a host that has just joined or is cut off knows less. */
function mergeMembers(all: readonly Observation[]): Member[] {
  const lists = all.flatMap(({ patroni }) => {
    const members = said(patroni)?.members;
    return members ? [members] : [];
  });
  const leads = ({ role }: PatroniMember) => ROLES[role] === 'leader' || ROLES[role] === 'standby_leader';
  const hasLeader = (list: PatroniMember[]) => (list.some(leads) ? 1 : 0);
  lists.sort((a, b) => hasLeader(b) - hasLeader(a) || b.length - a.length);
  const connections = all.flatMap((one) => said(one.sql)?.replication ?? []);
  // A replica may stream from another replica, so its absence is known only when every member has answered.
  const allSay =
    all.some(({ sql, patroni }) => said(sql) && isLeader(said(patroni)?.self ?? {})) &&
    all.every((one) => said(one.sql) || !runs(one));
  const replication = (name: string): Replication => {
    const its = connections.filter((one) => one.name === name);
    const streams = its.some((one) => one.state === 'streaming') || (allSay ? false : undefined);
    return { behind: its.at(-1)?.behind ?? undefined, streams };
  };
  return (lists[0] ?? []).map((raw) => toMember(raw, replication(raw.name))).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function dcsOf(observations: ReadonlyMap<string, Observation>): Snapshot['dcs'] {
  const known = [...observations.values()].flatMap((one) => said(one.dcs) ?? []);
  const seen = known.filter((one) => one.members);
  const list = seen.sort((a, b) => (b.members?.length ?? 0) - (a.members?.length ?? 0))[0]?.members ?? [];
  const leaderId = seen.find((one) => one.leader && one.leader !== '0')?.leader;
  const byId = new Map(known.flatMap((one) => (one.id ? [[one.id, one.healthy] as const] : [])));
  const versions = new Map(known.map((one) => [one.id, one.version]));
  const members = list.map((member) => ({
    ...member,
    version: versions.get(member.id),
    // A member whose host did not answer is not known to be healthy, and must not be counted on.
    healthy: byId.get(member.id) ?? false,
    leader: member.id === leaderId,
  }));
  // An external DCS reports no members, only that it answers.
  const answers = members.length === 0 && known.some((one) => one.healthy);
  return {
    members,
    quorum: answers || members.some((member) => member.healthy),
    blind: known.length > 0 && known.every((one) => one.blind === true),
  };
}
