import type { Snapshot } from '../cluster/snapshot.ts';
import type { Storage, Tablespace } from '../cluster/storage.ts';
import { type Cluster, dcsHosts, type Host, hostsWith, repositoryHost } from '../inventory/model.ts';
import { said, silence } from '../observe/answer.ts';
import { dcsHealthy } from './dcs.ts';
import { isSynchronous, membersStreaming } from './members.ts';
import { hasRoom, maySetAside, placesFree, placesTaken } from './storage.ts';
import { backInService, DEFAULT_LIMITS, noBackupRunning, nothingLeftOver } from './update.ts';
import { all, type Verdict, verdict } from './verdict.ts';

/** Facts about a host that is to join, and about the leader that it will follow. */
export interface JoinFacts {
  /** The database's parts on the host, and room for it. */
  storage: Storage;
  /** The size of the leader's databases, tablespaces included (bytes), and the tablespaces outside its data directory. */
  databaseBytes: number;
  tablespaces: Tablespace[];
  /** Upstream versions by package: those of the leader, and those that the new host has or would get. */
  leader: Record<string, string>;
  candidate: Record<string, string>;
  /** Why its package lists could not be refreshed. */
  aptSays?: string | undefined;
}

/** Space kept free beside the copy for WAL that arrives meanwhile (bytes). */
const HEADROOM_BYTES = 512 * 1024 * 1024;

/** May this host join? Its directory is empty or of this cluster, it has room, and its package versions are the leader's. */
export function mayAdd(cluster: Cluster, snapshot: Snapshot, host: Host, prospect: JoinFacts): Verdict {
  if (!host.roles.has('patroni')) return verdict([]);
  const reasons: string[] = [];
  const its = snapshot.observations.get(host.name)?.dataDirectory;
  const [data, reason] = [said(its), silence(its)];
  if (reason !== undefined) reasons.push(`${host.name}: it is not known whether there is a database (${reason})`);
  reasons.push(...placesTaken(cluster, host, data));
  if (data?.systemIdentifier && snapshot.initialize && data.systemIdentifier !== snapshot.initialize)
    reasons.push(
      `${host.name}: ${host.dataDir} is of another database system (${data.systemIdentifier}, this cluster is ${snapshot.initialize}); move it away`,
    );
  for (const [name, version] of Object.entries(prospect.leader)) {
    const own = prospect.candidate[name];
    if (own === undefined)
      reasons.push(
        `${host.name}: ${name} is not offered by its package sources${prospect.aptSays ? `: ${prospect.aptSays}` : ''}`,
      );
    else if (own !== version)
      reasons.push(
        `${host.name}: would have ${name} ${own}, the leader has ${version}; bring both to the same version first ("hapg update")`,
      );
  }
  const storage =
    data?.state === 'cluster' ? verdict([]) : all(roomFor(host, prospect), placesFree(host, prospect.storage));
  return all(verdict(reasons, 'taken'), storage);
}

const roomFor = (host: Host, { storage, ...needs }: JoinFacts): Verdict =>
  hasRoom(host, { ...needs, extraBytes: HEADROOM_BYTES }, storage);

/** May this member's data be replaced? Never the leader's, only with the others whole and room for both copies. */
export function mayReinit(cluster: Cluster, snapshot: Snapshot, host: Host, prospect: JoinFacts): Verdict {
  const reasons: string[] = [];
  if (!snapshot.leader) reasons.push('no member leads');
  if (snapshot.leader?.name === host.name) reasons.push(`${host.name} leads; switch over first ("hapg switchover")`);
  const others = { ...cluster, hosts: cluster.hosts.filter((one) => one !== host) };
  return all(
    verdict(reasons, 'member'),
    maySetAside(host.name, cluster, prospect.storage),
    roomFor(host, prospect),
    steadyMembers(others, snapshot),
  );
}

/** The other members stream, the DCS is whole, no backup runs and nothing is left over. */
const steadyMembers = (cluster: Cluster, snapshot: Snapshot): Verdict =>
  all(
    membersStreaming(cluster, snapshot),
    dcsHealthy(cluster, snapshot),
    noBackupRunning(snapshot),
    nothingLeftOver(cluster, snapshot),
  );

/** Has this host joined? It streams and is caught up, votes, and gets reads from the balancers. */
export function hasJoined(cluster: Cluster, snapshot: Snapshot, host: Host): Verdict {
  const reasons: string[] = [];
  if (host.roles.has('patroni')) {
    const member = snapshot.members.find((one) => one.name === host.name);
    if (!member) reasons.push(`${host.name} is not a member yet`);
    else if (member.state !== 'streaming' || member.lagBytes === undefined)
      reasons.push(`${host.name} is ${member.state}`);
    if (host.tags.noloadbalance !== true)
      for (const balancer of hostsWith(cluster, 'haproxy')) {
        const rows = said(snapshot.observations.get(balancer.name)?.balancer);
        const row = rows?.find((one) => one.proxy === 'replica' && one.server === host.name);
        if (!row?.status.startsWith('UP')) reasons.push(`${balancer.name} sends no reads to ${host.name} yet`);
      }
  }
  return all(verdict(reasons), backInService(cluster, snapshot, host, DEFAULT_LIMITS));
}

/** May this host leave? Never the leader, the last copy, the quorum, the repository (unless it `isLost`), or the only way in. */
export function mayRemove(cluster: Cluster, snapshot: Snapshot, host: Host, isLost = false): Verdict {
  const reasons: string[] = [];
  const others = (role: 'patroni' | 'haproxy' | 'keepalived') =>
    hostsWith(cluster, role).filter((other) => other !== host);
  if (snapshot.leader?.name === host.name)
    reasons.push(`${host.name} leads; switch over first ("hapg switchover", or --switchover)`);
  if (host.roles.has('patroni') && others('patroni').length === 0)
    reasons.push(`${host.name} is the only database host`);
  if (dcsHosts(cluster).includes(host)) {
    const { label } = cluster.dcs;
    const voters = snapshot.dcs.members.filter((member) => !member.learner && member.name !== host.name);
    const healthy = voters.filter((member) => member.healthy).length;
    if (voters.length === 0) reasons.push(`${host.name} is the only member of ${label}`);
    // The change itself needs a quorum of the members that stay.
    else if (healthy < Math.floor(voters.length / 2) + 1)
      reasons.push(
        `without ${host.name} ${label} has ${healthy} healthy voters of ${voters.length}, ${Math.floor(voters.length / 2) + 1} are needed`,
      );
  }
  if (!isLost && host === repositoryHost(cluster) && hostsWith(cluster, 'patroni').length > 0)
    reasons.push(`${host.name} holds the backups, and every member archives to it`);
  for (const role of ['haproxy', 'keepalived'] as const)
    if (host.roles.has(role) && others(role).length === 0)
      reasons.push(`${host.name} is the only host with the role ${role}, through which clients come`);
  return verdict(reasons, 'last_of_kind');
}

/**
 * Are these hosts really lost? They do not answer here, and the others have not seen them for as long as Patroni
 * remembers a member. A host of the DCS alone leaves no such trace; removing it is safe while the others vote.
 */
export function areLost(snapshot: Snapshot, hosts: readonly Host[]): Verdict {
  return verdict(
    hosts.flatMap(({ name }) => {
      if (snapshot.observations.has(name))
        return [`${name} answers: without --gone it leaves in order, and nothing waits for it`];
      const member = snapshot.members.find((one) => one.name === name && one.state !== 'stopped');
      return member
        ? [
            `${name} does not answer here, and the others see it as a member (${member.role}, ${member.state}): find out why, or switch it off first`,
          ]
        : [];
    }),
    'member',
  );
}

/** May these lost hosts be written off? The rules are those of a host that leaves, but lost backups are no reason against it. */
export function mayWriteOff(cluster: Cluster, snapshot: Snapshot, hosts: readonly Host[]): Verdict {
  return all(
    ...hosts.map((host) => {
      const without = { ...cluster, hosts: cluster.hosts.filter((one) => one === host || !hosts.includes(one)) };
      return mayRemove(without, snapshot, host, true);
    }),
  );
}

/** What an operator should know before lost hosts are written off. */
export const lossesOfLost = (cluster: Cluster, snapshot: Snapshot, hosts: readonly Host[]): string[] => {
  const names = hosts.map(({ name }) => name);
  const members = snapshot.members.filter(({ name }) => !names.includes(name));
  const voters = snapshot.dcs.members.filter(({ name }) => !names.includes(name)).length;
  const keeper = repositoryHost(cluster);
  return [
    ...(members.length === 1 ? ['no replica is left: nothing takes over when the leader is lost'] : []),
    ...(hosts.some((host) => dcsHosts(cluster).includes(host)) && voters % 2 === 0
      ? [`${voters} members of ${cluster.dcs.label} are left: that survives no more losses than ${voters - 1}`]
      : []),
    ...(keeper && hosts.includes(keeper)
      ? ['the backups there are lost, and none are made until the inventory has a repository again']
      : []),
  ];
};

/** What an operator should know before a host leaves. */
export function lossesOf(cluster: Cluster, snapshot: Snapshot, host: Host): string[] {
  const losses: string[] = [];
  const member = snapshot.members.find((one) => one.name === host.name);
  const replicas = snapshot.members.filter((one) => one !== snapshot.leader && one.name !== host.name);
  if (member && replicas.length === 0) losses.push('no replica is left: nothing takes over when the leader is lost');
  else if (member && isSynchronous(member)) losses.push('it is the synchronous standby; another one takes its part');
  const voters = snapshot.dcs.members.filter((one) => one.name !== host.name).length;
  if (dcsHosts(cluster).includes(host) && voters % 2 === 0)
    losses.push(`${voters} members of ${cluster.dcs.label} are left: that survives no more losses than ${voters - 1}`);
  if (host.roles.has('haproxy') && hostsWith(cluster, 'haproxy').length === 2)
    losses.push('one balancer is left: clients are cut off when it is lost');
  return losses;
}
