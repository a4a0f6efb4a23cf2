import { MARKS } from '../cluster/marks.ts';
import { type Member, type Snapshot, writesGoTo } from '../cluster/snapshot.ts';
import { checkIdentity } from '../decisions/admission.ts';
import { describeHold, holdOn, holdsOf, pauseWords } from '../decisions/holds.ts';
import { leaderRuns, MAX_LAG_BYTES, synchronousStandbyThere } from '../decisions/members.ts';
import { receivesWal, standbyAsDeclared } from '../decisions/standby.ts';
import { type Cluster, type Dcs, dcsHosts, followsDatacenter, hostsWith, memberSlot } from '../inventory/model.ts';
import { standbySlot } from '../inventory/standby.ts';
import { said } from '../observe/answer.ts';
import { type About, EVERYTHING } from '../observe/question.ts';
import { armedUndos } from '../observe/run-state.ts';
import { bytes } from '../units.ts';
import { type BackupStatus, backupStatus, type Report } from './backup-status.ts';
import { type CertificateStatus, certificateStatus } from './certificate-status.ts';
import { type ClusterFigures, clusterFigures, type MemberFigures, memberFigures } from './figures-status.ts';
import { silenceProblems, UNKNOWN_PARTS, type Unknown, unknownParts } from './unknown.ts';

export interface Problem {
  code: string;
  host: string;
  message: string;
}

/** The document of `hapg status -o json`; its keys are part of the outside contract. */
export interface Status extends ClusterFigures {
  cluster: string;
  healthy: boolean;
  problems: Problem[];
  /** What nobody could be asked for, and which is therefore neither right nor wrong. */
  unknown: Unknown[];
  system_identifier: string | null;
  timeline: number | null;
  paused: boolean;
  members: ({
    name: string;
    host: string;
    role: string;
    state: string;
    timeline: number | null;
    lag_bytes: number | null;
    pending_restart: boolean;
    tags: Record<string, unknown>;
  } & MemberFigures)[];
  dcs: {
    kind: Dcs['kind'];
    quorum: boolean;
    members: { name: string; healthy: boolean; leader: boolean; version: string | null }[];
  };
  vip: { address: string; holders: string[] } | null;
  balancers: { host: string; primary: string[]; replica: string[] }[];
  backup: BackupStatus | null;
  certificates: CertificateStatus;
}

/** A member as every document has it. */
export const memberDocument = ({ name, host, role, state, timeline, lagBytes }: Member) => ({
  name,
  host,
  role,
  state,
  timeline: timeline ?? null,
  lag_bytes: lagBytes ?? null,
});

/** The limit of WAL that is kept for a consumer that is not connected (bytes). */
const KEPT_LIMIT = 1024 ** 3;

/**
 * Returns the live cluster as one document with all problems. Pure: `unreachable` are hosts without an answer (name →
 * reason), `now` is the time (ms since the epoch), `store` the identity of this inventory's secret store. What lies
 * outside `about` was not asked, so it is no problem that it is unknown.
 */
export function statusOf(
  cluster: Cluster,
  snapshot: Snapshot,
  unreachable: ReadonlyMap<string, string>,
  store: Parameters<typeof checkIdentity>[2],
  now: number,
  about: readonly About[] = EVERYTHING,
): Status {
  const problems: Problem[] = [];
  const problem = (code: string, host: string, message: string) => problems.push({ code, host, message });
  for (const [host, reason] of unreachable) problem('unreachable', host, reason);
  const identity = checkIdentity(cluster, snapshot, store);
  if (!identity.ok) for (const reason of identity.reasons) problem('identity', reason.split(':')[0] ?? '', reason);
  silenceProblems(cluster, snapshot, about, problem);
  const unknown = unknownParts(cluster, snapshot, unreachable);
  for (const part of unknown) problem('unknown', '', UNKNOWN_PARTS[part](cluster));
  if (!unknown.includes('members')) memberProblems(cluster, snapshot, problem);
  slotProblems(cluster, snapshot, problem);
  if (!unknown.includes('dcs')) dcsProblems(cluster, snapshot, problem);
  const balancers = balancerView(cluster, snapshot, unreachable, problem);
  const backup = backupStatus(cluster, snapshot, problem);
  if (cluster.vip && !unknown.includes('vip')) {
    const holders = snapshot.vipHolders;
    if (holders.length === 0) problem('vip_nowhere', '', `the VIP ${cluster.vip.address} is held by no balancer`);
    if (holders.length > 1)
      problem('vip_twice', holders[1]!, `the VIP ${cluster.vip.address} is held by ${holders.join(' and ')}`);
  }
  for (const [host, { pool }] of snapshot.observations)
    if (pool !== undefined && said(pool) !== true)
      problem('pool', host, `PgBouncer on ${host} takes no connections; run "hapg apply"`);
  for (const hold of holdsOf(snapshot)) if (hold.name !== 'pause') problem('held', hold.host, describeHold(hold));
  leftoverProblems(snapshot, problem);
  const certificates = certificateStatus(snapshot, now, problem);
  return {
    cluster: cluster.name,
    healthy: problems.length === 0,
    problems,
    unknown,
    system_identifier: snapshot.initialize ?? snapshot.systemIdentifiers[0] ?? null,
    timeline: snapshot.timeline ?? null,
    paused: snapshot.paused,
    members: snapshot.members.map((member) => ({
      ...memberDocument(member),
      pending_restart: member.pendingRestart,
      tags: member.tags,
      ...memberFigures(snapshot, member.name),
    })),
    dcs: {
      kind: cluster.dcs.kind,
      quorum: snapshot.dcs.quorum,
      members: snapshot.dcs.members
        .map(({ name, healthy, leader, version }) => ({ name, healthy, leader, version: version ?? null }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    },
    vip: cluster.vip ? { address: cluster.vip.address, holders: snapshot.vipHolders } : null,
    balancers,
    backup,
    certificates,
    ...clusterFigures(cluster, snapshot),
  };
}

function memberProblems(cluster: Cluster, snapshot: Snapshot, problem: Report): void {
  if (snapshot.paused) problem('paused', '', `${pauseWords(snapshot)}: there is no failover. "hapg resume" ends it`);
  if (!snapshot.leader) problem('no_leader', '', 'no member leads');
  if (snapshot.leaders.length > 1)
    problem('two_leaders', snapshot.leaders[1]!, `two leaders: ${snapshot.leaders.join(' and ')}`);
  if (snapshot.systemIdentifiers.length > 1)
    problem('system_identifier', '', `more than one database system: ${snapshot.systemIdentifiers.join(', ')}`);
  const someoneFollows = snapshot.members.some(({ tags }) => tags.failover_priority !== undefined);
  for (const host of hostsWith(cluster, 'patroni')) {
    const member = snapshot.members.find((one) => one.name === host.name);
    // A fenced member is reported as that.
    if (holdOn(snapshot, host.name, 'fence')) continue;
    if (!member) {
      problem('member_missing', host.name, `${host.name} is not a member of the cluster`);
      continue;
    }
    const leads = member.role === 'leader' || member.role === 'standby_leader';
    if (leads ? !leaderRuns(member) : member.state !== 'streaming')
      problem('member_state', host.name, `${host.name} is ${member.state}`);
    else if (!leads && (member.lagBytes === undefined || member.lagBytes > MAX_LAG_BYTES))
      problem('replica_lag', host.name, `${host.name} is ${member.lagBytes ?? 'an unknown number of'} bytes behind`);
    if (
      !leads &&
      member.timeline !== undefined &&
      snapshot.timeline !== undefined &&
      member.timeline !== snapshot.timeline
    )
      problem(
        'timeline',
        host.name,
        `${host.name} is on timeline ${member.timeline}, the leader on ${snapshot.timeline}`,
      );
    if (member.pendingRestart)
      problem('pending_restart', host.name, `${host.name} has settings that wait for a restart; run "hapg apply"`);
    if (followsDatacenter(cluster) && member.tags.failover_priority === undefined && someoneFollows)
      problem(
        'preference',
        host.name,
        `${host.name} does not report yet whether it is in the leader's data center; if that persists, see "systemctl status patroni-preferences.timer patroni-preferences.service" there`,
      );
    const drained = holdOn(snapshot, host.name, 'drain') !== undefined;
    const isExpected = (tag: string, value: unknown) =>
      value === host.tags[tag] ||
      value === false ||
      (tag === 'failover_priority' && followsDatacenter(cluster)) ||
      (drained && tag in MARKS);
    for (const [tag, value] of Object.entries(member.tags))
      if (!isExpected(tag, value))
        problem('tag', host.name, `${host.name} has the tag ${tag}: ${value}, which the inventory does not say`);
  }
  for (const [code, verdict] of [
    ['standing', standbyAsDeclared(cluster, snapshot)],
    ['source', receivesWal(cluster, snapshot)],
  ] as const)
    if (!verdict.ok) for (const reason of verdict.reasons) problem(code, snapshot.leader?.name ?? '', reason);
  const synchronous = synchronousStandbyThere(cluster, snapshot);
  if (!synchronous.ok && snapshot.leader)
    problem(
      'no_sync_standby',
      snapshot.leader.name,
      `${synchronous.reasons.join('; ')}: an acknowledged row may be lost with the leader`,
    );
}

/** Reports WAL that is kept for an absent consumer; a member that does not stream is reported as a member. */
function slotProblems(cluster: Cluster, { leader, members, observations }: Snapshot, problem: Report): void {
  const ofMembers = new Set([...members, ...hostsWith(cluster, 'patroni')].map(({ name }) => memberSlot(name)));
  const copies = new Map(Object.keys(cluster.settings.standbys).map((name) => [standbySlot(name), name]));
  for (const { name, kept, lost } of (leader && said(observations.get(leader.name)?.sql)?.idleSlots) || []) {
    if (ofMembers.has(name) || (!lost && (kept ?? 0) < KEPT_LIMIT)) continue;
    const copy = copies.get(name);
    const whom = copy ? `the standby cluster ${copy} is not connected` : `nobody uses the replication slot ${name}`;
    problem(
      'idle_slot',
      leader!.name,
      lost
        ? `${whom}, and WAL that it needs is gone: ${copy ? 'build it anew' : 'drop the slot'}`
        : `${whom}: ${bytes(kept!)} of WAL are kept for it`,
    );
  }
}

function dcsProblems(cluster: Cluster, snapshot: Snapshot, problem: Report): void {
  const { label } = cluster.dcs;
  if (!snapshot.dcs.quorum)
    problem(
      'no_quorum',
      '',
      `${label} ${cluster.dcs.external ? 'does not answer' : 'has no quorum'}: PostgreSQL goes on only as long as failsafe mode lets it`,
    );
  for (const host of dcsHosts(cluster)) {
    const member = snapshot.dcs.members.find((one) => one.name === host.name);
    if (!member) problem('dcs_member_missing', host.name, `${host.name} is not a member of ${label}`);
    else if (member.learner) problem('dcs_learner', host.name, `${host.name} has no vote in ${label} yet`);
    else if (!member.healthy && snapshot.observations.has(host.name))
      problem('dcs_member', host.name, `${label} on ${host.name} is not healthy`);
  }
}

function balancerView(
  cluster: Cluster,
  snapshot: Snapshot,
  unreachable: ReadonlyMap<string, string>,
  problem: Report,
): Status['balancers'] {
  return hostsWith(cluster, 'haproxy').flatMap((host) => {
    const rows = said(snapshot.observations.get(host.name)?.balancer);
    if (!rows) {
      if (!unreachable.has(host.name)) problem('balancer', host.name, `HAProxy on ${host.name} does not answer`);
      return [];
    }
    const up = (proxy: string) =>
      rows.filter((row) => row.proxy === proxy && row.status.startsWith('UP')).map((row) => row.server);
    const view = { host: host.name, primary: up('primary'), replica: up('replica') };
    if (snapshot.leader && view.primary.join() !== writesGoTo(snapshot))
      problem(
        'balancer_primary',
        host.name,
        `HAProxy on ${host.name} sends writes to ${view.primary.join(' and ') || 'nobody'}, but ${snapshot.leader.name} leads${writesGoTo(snapshot) ? '' : ' a standby cluster'}`,
      );
    return [view];
  });
}

/** Reports what an interrupted run has left; while a run holds the lock it is work, not a leftover. */
function leftoverProblems(snapshot: Snapshot, problem: Report): void {
  for (const [host, { pending, units, holder, balancer, restore }] of snapshot.observations) {
    if (restore) problem('restore', host, 'a restore is under way; run "hapg restore" again to go on');
    if (holder) continue;
    for (const mark of pending)
      problem('pending_handler', host, `${mark.replace(':', ' ')} is still due; run "hapg apply"`);
    for (const undo of armedUndos(said(units) ?? []))
      problem(
        'undo_armed',
        host,
        `something temporary (${undo}) is set and will undo itself; the next run undoes it at once`,
      );
    const drained = new Set(
      (said(balancer) ?? []).filter((row) => /^(DRAIN|MAINT)/.test(row.status)).map((row) => row.server),
    );
    for (const server of drained)
      problem('drained', host, `HAProxy on ${host} sends no reads to ${server}: it is drained`);
  }
}
