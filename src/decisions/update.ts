import { type Snapshot, writesGoTo } from '../cluster/snapshot.ts';
import { type Cluster, commitsWait, dcsHosts, type Host, hostsWith, hostsWithAny } from '../inventory/model.ts';
import { said, silence } from '../observe/answer.ts';
import { armedUndos } from '../observe/marks.ts';
import { dcsHealthy, mayStopDcs } from './dcs.ts';
import { isSynchronous, membersHealthy, membersStreaming } from './members.ts';
import { standing } from './standby.ts';
import { all, type Verdict, verdict } from './verdict.ts';

/** How much a planned change puts up with. */
export interface Limits {
  /** Bytes that a replica may be behind. */
  maxLagBytes: number;
  /** Seconds that a client's transaction may be open when its leader is to hand over. */
  maxTransactionSeconds: number;
}

/** What `hapg update` takes when its flags say nothing. */
export const DEFAULT_LIMITS: Limits = { maxLagBytes: 16 * 1024 * 1024, maxTransactionSeconds: 600 };

/** The undo of an update that holds the schedule of backups; it stays armed between two hosts, and disturbs no member. */
export const BACKUP_HOLD = 'backup-schedule';

/** Nothing temporary of an earlier run is left anywhere: marks, undos, drained balancers. */
export function nothingLeftOver(cluster: Cluster, snapshot: Snapshot): Verdict {
  const reasons: string[] = [];
  for (const [host, { units, balancer }] of snapshot.observations) {
    const unknown = silence(units);
    if (unknown !== undefined) reasons.push(`${host}: nobody can tell whether something temporary is set (${unknown})`);
    for (const undo of armedUndos(said(units) ?? []))
      if (undo !== BACKUP_HOLD) reasons.push(`${host}: something temporary is set (${undo})`);
    for (const row of said(balancer) ?? [])
      if (/^(DRAIN|MAINT)/.test(row.status))
        reasons.push(`${host}: ${row.server} is drained in HAProxy (${row.proxy})`);
  }
  for (const member of snapshot.members) {
    const wanted = cluster.hosts.find((host) => host.name === member.name)?.tags ?? {};
    for (const tag of ['nofailover', 'noloadbalance', 'nosync'])
      if (member.tags[tag] === true && wanted[tag] !== true)
        reasons.push(`${member.name} has the tag ${tag}, which the inventory does not say`);
  }
  return verdict(reasons);
}

/** Exactly one balancer holds the VIP, and every balancer sends writes to the leader alone. */
export function balancersHealthy(cluster: Cluster, snapshot: Snapshot): Verdict {
  const reasons: string[] = [];
  const holders = snapshot.vipHolders;
  for (const [host, { vipHeld }] of snapshot.observations) {
    const unknown = silence(vipHeld);
    if (unknown !== undefined) reasons.push(`${host}: nobody can tell whether it holds the VIP (${unknown})`);
  }
  if (cluster.vip && hostsWith(cluster, 'keepalived').length > 0 && holders.length !== 1)
    reasons.push(`the VIP is held by ${holders.join(' and ') || 'nobody'}`);
  for (const host of hostsWith(cluster, 'haproxy')) {
    const rows = said(snapshot.observations.get(host.name)?.balancer);
    const up = (rows ?? []).filter((row) => row.proxy === 'primary' && row.status.startsWith('UP'));
    if (!rows) reasons.push(`HAProxy on ${host.name} does not answer`);
    else if (snapshot.leader && up.map((row) => row.server).join() !== writesGoTo(snapshot))
      reasons.push(
        `HAProxy on ${host.name} sends writes to ${up.map((row) => row.server).join(' and ') || 'nobody'}, but ${snapshot.leader.name} leads`,
      );
  }
  return verdict(reasons);
}

/** No backup is being taken: stopping a member or the repository would break it. */
export function noBackupRunning(snapshot: Snapshot): Verdict {
  return verdict(
    [...snapshot.observations].flatMap(([host, { repository }]) => {
      const unknown = silence(repository);
      if (unknown !== undefined) return [`${host}: pgBackRest does not say whether a backup is running (${unknown})`];
      return said(repository)?.running ? [`${host}: a backup is running; wait for its end`] : [];
    }),
  );
}

/** Through every pool clients get in. */
const poolsOpen = (hosts: readonly Host[], { observations }: Snapshot): Verdict =>
  verdict(
    hosts.flatMap(({ name }) => {
      const pool = observations.get(name)?.pool;
      if (pool === undefined || said(pool) === true) return [];
      return [`PgBouncer on ${name} takes no connections`];
    }),
  );

/** Whole and undisturbed: the condition before a planned change, and between two hosts of one. */
export const steady = (cluster: Cluster, snapshot: Snapshot, { maxLagBytes }: Limits): Verdict =>
  all(
    verdict(
      cluster.hosts
        .filter((host) => !snapshot.observations.has(host.name))
        .map((host) => `${host.name} does not answer`),
    ),
    verdict(snapshot.paused ? ['the cluster is paused'] : []),
    standing(cluster, snapshot),
    hostsWith(cluster, 'patroni').length > 0 ? membersHealthy(cluster, snapshot, maxLagBytes) : verdict([]),
    dcsHealthy(cluster, snapshot),
    balancersHealthy(cluster, snapshot),
    poolsOpen(cluster.hosts, snapshot),
    noBackupRunning(snapshot),
    nothingLeftOver(cluster, snapshot),
  );

/** No client of the leader would lose a long piece of work to a switchover. */
export function noLongTransaction(snapshot: Snapshot, { maxTransactionSeconds }: Limits): Verdict {
  const leader = snapshot.leader?.name ?? '';
  const seen = snapshot.observations.get(leader);
  const open = said(seen?.sql)?.transaction;
  if (seen && !said(seen.sql))
    return verdict([
      `${leader}: PostgreSQL does not say which transactions are open (${silence(seen.sql) ?? 'it does not run'})`,
    ]);
  return verdict(
    open && open.seconds > maxTransactionSeconds
      ? [
          `${leader}: a transaction of ${open.user ?? 'somebody'} in ${open.database ?? '?'} is open for ${open.seconds} s (limit ${maxTransactionSeconds} s); end it, or wait`,
        ]
      : [],
  );
}

/** May this host be taken out now? Whole cluster steady, a quorum without it, and no long work lost if it leads. */
export const mayTakeOut = (cluster: Cluster, snapshot: Snapshot, host: Host, limits: Limits): Verdict =>
  all(
    steady(cluster, snapshot, limits),
    dcsHosts(cluster).includes(host) ? mayStopDcs(cluster, host.name, snapshot) : verdict([]),
    snapshot.leader?.name === host.name ? noLongTransaction(snapshot, limits) : verdict([]),
    strictNeedsAnother(cluster, snapshot, host),
  );

/** With strict synchronous replication writes stop when no other standby can take over the part of this one. */
function strictNeedsAnother(cluster: Cluster, snapshot: Snapshot, host: Host): Verdict {
  if (!cluster.settings.patroni.synchronous_mode_strict || !host.roles.has('patroni')) return verdict([]);
  const others = snapshot.members.filter(
    (member) => member.name !== host.name && member !== snapshot.leader && member.state === 'streaming',
  );
  return verdict(
    others.length >= cluster.synchronousNodes + (snapshot.leader?.name === host.name ? 1 : 0)
      ? []
      : [`${host.name}: writes would stop without it, for synchronous_mode_strict is on and no other standby is there`],
  );
}

/**
 * Which of the hosts that are left is next: clients, then replicas (the VIP's holder last of them), the leader, then
 * hosts with a vote only, the repository and others, and the balancers last of all, the VIP's holder at the very end.
 */
export function nextHost(left: readonly Host[], snapshot: Snapshot): Host {
  const rank = (host: Host): number => {
    const holds = snapshot.vipHolders.includes(host.name) ? 1 : 0;
    if (host.roles.has('patroni')) return 10 + holds + (snapshot.leader?.name === host.name ? 5 : 0);
    if (host.roles.has('haproxy') || host.roles.has('keepalived')) return 40 + holds;
    if (host.roles.has('etcd') || host.roles.has('zookeeper')) return 20;
    if (host.roles.has('client')) return 0;
    return 30;
  };
  return [...left].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))[0]!;
}

/** Commits wait for a marked member no longer, and for another one if there is any that they could wait for. */
export function commitsWaitElsewhere(cluster: Cluster, snapshot: Snapshot, host: Host): Verdict {
  if (!commitsWait(cluster)) return verdict([]);
  const member = snapshot.members.find((one) => one.name === host.name);
  const eligible = snapshot.members.some(
    (one) => one.name !== host.name && one !== snapshot.leader && one.state === 'streaming' && one.tags.nosync !== true,
  );
  return verdict([
    ...(member?.tags.nosync === true ? [] : [`${host.name} does not show its marks yet`]),
    ...(member && isSynchronous(member) ? [`commits still wait for ${host.name}`] : []),
    ...(eligible && !snapshot.members.some(isSynchronous) ? ['no other standby is synchronous yet'] : []),
  ]);
}

/** Until then a leader that has lost the DCS would wait for this member's answer (Patroni documentation, "DCS Failsafe Mode"). */
export const notAskedInFailsafe = (snapshot: Snapshot, host: Host): Verdict =>
  verdict(
    [...snapshot.observations.values()].some((one) => said(one.dcs)?.failsafe.includes(host.name))
      ? [`${host.name} is still asked in failsafe mode`]
      : [],
  );

/** The host and its members are whole again after it was worked on, while its own marks are still set. */
export const backInService = (cluster: Cluster, snapshot: Snapshot, host: Host, { maxLagBytes }: Limits): Verdict =>
  all(
    verdict(snapshot.observations.has(host.name) ? [] : [`${host.name} does not answer`]),
    host.roles.has('patroni') ? membersStreaming(cluster, snapshot, maxLagBytes) : verdict([]),
    dcsHosts(cluster).includes(host) ? dcsHealthy(cluster, snapshot) : verdict([]),
    hostsWithAny(cluster, 'haproxy', 'keepalived').includes(host) ? balancersHealthy(cluster, snapshot) : verdict([]),
    poolsOpen([host], snapshot),
  );
