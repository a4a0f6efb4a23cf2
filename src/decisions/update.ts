import { MARKS } from '../cluster/marks.ts';
import { type Snapshot, writesGoTo } from '../cluster/snapshot.ts';
import { type Cluster, commitsWait, dcsHosts, type Host, hostsWith, hostsWithAny } from '../inventory/model.ts';
import { said, silence } from '../observe/answer.ts';
import { armedUndos } from '../observe/run-state.ts';
import { dcsHealthy, mayStopDcs } from './dcs.ts';
import { holdOn, noHostHeld, pauseWords } from './holds.ts';
import { isSynchronous, MAX_LAG_BYTES, membersHealthy, membersStreaming } from './members.ts';
import { standbyAsDeclared } from './standby.ts';
import { all, type Verdict, verdict } from './verdict.ts';

/** Limits that a planned change tolerates. */
export interface Limits {
  /** The limit of a replica's lag (bytes). */
  maxLagBytes: number;
  /** How long a client's transaction may have been open when its leader hands over (s). */
  maxTransactionSeconds: number;
}

/** The defaults of `hapg update`. */
export const DEFAULT_LIMITS: Limits = { maxLagBytes: MAX_LAG_BYTES, maxTransactionSeconds: 600 };

/** The undo of an update that suspends the backup schedule. It stays armed between two hosts and disturbs no member. */
export const BACKUP_HOLD = 'backup-schedule';

/** The undo of silenced alerts. It is armed for the whole of a run, and disturbs no member. */
export const SILENCE = 'silence';

/** Is nothing temporary left of an earlier run: marks, undos, drained balancers? */
export function nothingLeftOver(cluster: Cluster, snapshot: Snapshot): Verdict {
  const reasons: string[] = [];
  for (const [host, { units, balancer }] of snapshot.observations) {
    const unknown = silence(units);
    if (unknown !== undefined) reasons.push(`${host}: it is not known whether something temporary is set (${unknown})`);
    for (const undo of armedUndos(said(units) ?? []))
      if (undo !== BACKUP_HOLD && undo !== SILENCE) reasons.push(`${host}: something temporary is set (${undo})`);
    for (const row of said(balancer) ?? [])
      if (/^(DRAIN|MAINT)/.test(row.status))
        reasons.push(`${host}: ${row.server} is drained in HAProxy (${row.proxy})`);
  }
  for (const member of snapshot.members) {
    const wanted = cluster.hosts.find((host) => host.name === member.name)?.tags ?? {};
    if (holdOn(snapshot, member.name, 'drain')) continue;
    for (const tag of Object.keys(MARKS))
      if (member.tags[tag] === true && wanted[tag] !== true)
        reasons.push(`${member.name} has the tag ${tag}, which the inventory does not say`);
  }
  return verdict(reasons, 'temporary');
}

/** Does exactly one balancer hold the VIP, and does every balancer send writes to the leader alone? */
export function balancersHealthy(cluster: Cluster, snapshot: Snapshot): Verdict {
  const reasons: string[] = [];
  const holders = snapshot.vipHolders;
  for (const [host, { vipHeld }] of snapshot.observations) {
    const unknown = silence(vipHeld);
    if (unknown !== undefined) reasons.push(`${host}: it is not known whether it holds the VIP (${unknown})`);
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
  return verdict(reasons, 'balancer');
}

/** Is no backup being taken? Stopping a member or the repository would break it. */
export function noBackupRunning(snapshot: Snapshot): Verdict {
  return verdict(
    [...snapshot.observations].flatMap(([host, { repository }]) => {
      const unknown = silence(repository);
      if (unknown !== undefined)
        return [`${host}: pgBackRest does not report whether a backup is running (${unknown})`];
      return said(repository)?.running ? [`${host}: a backup is running; wait for its end`] : [];
    }),
    'backup_running',
  );
}

/** Does every pool let clients in? */
const poolsOpen = (hosts: readonly Host[], { observations }: Snapshot): Verdict =>
  verdict(
    hosts.flatMap(({ name }) => {
      const pool = observations.get(name)?.pool;
      if (pool === undefined || said(pool) === true) return [];
      return [`PgBouncer on ${name} takes no connections`];
    }),
    'pool',
  );

/** Is the cluster whole and undisturbed? The condition before a planned change, and between two hosts of one. */
export const steady = (cluster: Cluster, snapshot: Snapshot, { maxLagBytes }: Limits): Verdict =>
  all(
    verdict(
      cluster.hosts
        .filter((host) => !snapshot.observations.has(host.name))
        .map((host) => `${host.name} does not answer`),
      'unknown',
    ),
    verdict(snapshot.paused ? [pauseWords(snapshot)] : [], 'paused'),
    noHostHeld(snapshot),
    standbyAsDeclared(cluster, snapshot),
    hostsWith(cluster, 'patroni').length > 0 ? membersHealthy(cluster, snapshot, maxLagBytes) : verdict([]),
    dcsHealthy(cluster, snapshot),
    balancersHealthy(cluster, snapshot),
    poolsOpen(cluster.hosts, snapshot),
    noBackupRunning(snapshot),
    nothingLeftOver(cluster, snapshot),
  );

/** Would no client of the leader lose a long transaction to a switchover? */
export function noLongTransaction(snapshot: Snapshot, { maxTransactionSeconds }: Limits): Verdict {
  const leader = snapshot.leader?.name ?? '';
  const seen = snapshot.observations.get(leader);
  const open = said(seen?.sql)?.transaction;
  if (seen && !said(seen.sql))
    return verdict(
      [`${leader}: PostgreSQL does not report which transactions are open (${silence(seen.sql) ?? 'it does not run'})`],
      'unknown',
    );
  return verdict(
    open && open.seconds > maxTransactionSeconds
      ? [
          `${leader}: a transaction of ${open.user ?? 'somebody'} in ${open.database ?? '?'} is open for ${open.seconds} s (limit ${maxTransactionSeconds} s); end it, or wait`,
        ]
      : [],
    'long_transaction',
  );
}

/**
 * May this host be taken out now? The cluster is steady, the DCS keeps a quorum without it, and no long transaction is
 * lost if it leads.
 */
export const mayTakeOut = (cluster: Cluster, snapshot: Snapshot, host: Host, limits: Limits): Verdict =>
  all(
    steady(cluster, snapshot, limits),
    dcsHosts(cluster).includes(host) ? mayStopDcs(cluster, host.name, snapshot) : verdict([]),
    snapshot.leader?.name === host.name ? noLongTransaction(snapshot, limits) : verdict([]),
    strictNeedsAnother(cluster, snapshot, host),
  );

/** Reasons against stopping the only standby that commits can wait for: strict synchronous replication would stop writes. */
function strictNeedsAnother(cluster: Cluster, snapshot: Snapshot, host: Host): Verdict {
  if (!cluster.settings.patroni.synchronous_mode_strict || !host.roles.has('patroni')) return verdict([]);
  const others = snapshot.members.filter(
    (member) => member.name !== host.name && member !== snapshot.leader && member.state === 'streaming',
  );
  return verdict(
    others.length >= cluster.synchronousNodes + (snapshot.leader?.name === host.name ? 1 : 0)
      ? []
      : [`${host.name}: writes would stop without it, for synchronous_mode_strict is on and no other standby is there`],
    'only_member',
  );
}

/**
 * Returns the next of the remaining hosts: clients, then replicas (the VIP's holder last of them), the leader, then
 * hosts with a vote only, the repository and others, and the balancers, the VIP's holder last.
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

/** Do commits no longer wait for a member that is taken out, but for another one if any is eligible? */
export function commitsWaitElsewhere(cluster: Cluster, snapshot: Snapshot, host: Host): Verdict {
  if (!commitsWait(cluster)) return verdict([]);
  const member = snapshot.members.find((one) => one.name === host.name);
  const eligible = snapshot.members.some(
    (one) => one.name !== host.name && one !== snapshot.leader && one.state === 'streaming' && one.tags.nosync !== true,
  );
  return verdict(
    [
      ...(member?.tags.nosync === true ? [] : [`${host.name} does not show its marks yet`]),
      ...(member && isSynchronous(member) ? [`commits still wait for ${host.name}`] : []),
      ...(eligible && !snapshot.members.some(isSynchronous) ? ['no other standby is synchronous yet'] : []),
    ],
    'no_sync_standby',
  );
}

/**
 * Is this member off the failsafe list? A leader that has lost the DCS would wait for its answer (Patroni
 * documentation, "DCS Failsafe Mode").
 */
export function notAskedInFailsafe(snapshot: Snapshot, host: Host): Verdict {
  const views = [...snapshot.observations.values()].flatMap((one) => said(one.dcs) ?? []);
  if (!views.some(({ blind }) => !blind))
    return verdict([`it is not known whether ${host.name} is still asked in failsafe mode`], 'unknown');
  return verdict(
    views.some(({ failsafe }) => failsafe.includes(host.name)) ? [`${host.name} is still asked in failsafe mode`] : [],
    'unknown',
  );
}

/** Does no other member count on this one: it has left their list, and would not be asked in failsafe mode? */
export const isForgotten = (snapshot: Snapshot, host: Host): Verdict =>
  all(
    verdict(snapshot.members.length === 0 ? ['no member reports who the others are'] : [], 'unknown'),
    verdict(
      snapshot.members.some((member) => member.name === host.name && member.state !== 'stopped')
        ? [`${host.name} is still a member`]
        : [],
      'member',
    ),
    notAskedInFailsafe(snapshot, host),
  );

/** Are the host and its members whole again after the work, while its own marks are still set? */
export const backInService = (cluster: Cluster, snapshot: Snapshot, host: Host, { maxLagBytes }: Limits): Verdict =>
  all(
    verdict(snapshot.observations.has(host.name) ? [] : [`${host.name} does not answer`], 'unknown'),
    host.roles.has('patroni') ? membersStreaming(cluster, snapshot, maxLagBytes) : verdict([]),
    dcsHosts(cluster).includes(host) ? dcsHealthy(cluster, snapshot) : verdict([]),
    hostsWithAny(cluster, 'haproxy', 'keepalived').includes(host) ? balancersHealthy(cluster, snapshot) : verdict([]),
    poolsOpen([host], snapshot),
  );
