import { type Cluster, type Host, hostsWith } from '../inventory/model.ts';
import { capabilities, type Facts, SHIPPED_POSTGRES } from './facts.ts';
import type { Identity } from './observe.ts';
import type { Member, Snapshot } from './snapshot.ts';

/** Yes, or every reason against it; each reason names the host where there is one, and the cure. */
export type Verdict = { ok: true } | { ok: false; reasons: string[] };

const verdict = (reasons: string[]): Verdict => (reasons.length === 0 ? { ok: true } : { ok: false, reasons });

/**
 * One comparison of identity guards every run: cluster, UUID, authorities and generation of this inventory's secret store
 * against what each host says. `store` is undefined when there is no secret store.
 */
export function checkIdentity(cluster: Cluster, snapshot: Snapshot, store: Identity | undefined): Verdict {
  const reasons: string[] = [];
  for (const [host, { identity }] of snapshot.observations) {
    if (!identity) continue;
    if (!store || store.uuid !== identity.uuid) {
      reasons.push(
        store === undefined || identity.cluster === cluster.name
          ? `${host}: belongs to cluster ${identity.cluster} (${identity.uuid}), whose secret store is not the one in ${cluster.stateDir}. Bring that directory back from the machine that set the cluster up`
          : `${host}: belongs to another cluster, ${identity.cluster} (${identity.uuid})`,
      );
      continue;
    }
    const foreign = Object.entries(identity.authorities).filter(([name, print]) => store.authorities[name] !== print);
    if (foreign.length > 0)
      reasons.push(
        `${host}: trusts other authorities (${foreign.map(([name]) => name).join(', ')}) than the secret store has`,
      );
    if (identity.generation > store.generation)
      reasons.push(
        `${host}: a newer inventory was applied (generation ${identity.generation}, yours is ${store.generation}). Get the present inventory and .hapg directory`,
      );
  }
  if (!store && reasons.length === 0 && snapshot.exists)
    reasons.push(
      `a cluster is living on these hosts, but ${cluster.stateDir} has no secret store. Bring it back: new passwords and authorities would cut everything off`,
    );
  return verdict(reasons);
}

/**
 * May `apply` go on? A new cluster is made only where everything is empty; an existing one must be one cluster, unpaused,
 * with a leader. `missing` are hosts of the model that were not asked.
 */
export function admitApply(cluster: Cluster, snapshot: Snapshot, missing: readonly string[]): Verdict {
  const reasons: string[] = [];
  for (const [host, { dataDirectory }] of snapshot.observations)
    if (dataDirectory?.state === 'foreign')
      reasons.push(
        `${host}: ${cluster.dataDir} holds files but no database. Move them away, or check that the right disk is mounted`,
      );
  if (snapshot.systemIdentifiers.length > 1) {
    const where = [...snapshot.observations].flatMap(([host, one]) =>
      one.dataDirectory?.systemIdentifier ? [`${host} ${one.dataDirectory.systemIdentifier}`] : [],
    );
    reasons.push(
      `more than one database system: ${where.join(', ')}; the DCS says ${snapshot.initialize ?? 'nothing'}. Move the wrong data directory away`,
    );
  }
  if (snapshot.leaders.length > 1)
    reasons.push(`two leaders: ${snapshot.leaders.join(' and ')}. Do not write to either; find out which one is right`);
  if (snapshot.paused) reasons.push('the cluster is paused, so there is no failover: "patronictl resume" first');
  const withData = [...snapshot.observations]
    .filter(([, one]) => one.dataDirectory?.state === 'cluster')
    .map(([host]) => host);
  if (withData.length > 0 && snapshot.initialize === undefined && snapshot.dcs.quorum)
    reasons.push(
      `${withData.join(', ')}: there are databases, but the DCS knows of no cluster (its initialize key is missing). Starting an empty host now would make a second, empty cluster; use "hapg repair"`,
    );
  const empty = [...snapshot.observations]
    .filter(([, one]) => one.dataDirectory?.state === 'absent' || one.dataDirectory?.state === 'empty')
    .map(([host]) => host);
  // Were etcd to come up empty, the empty host could start first and make a second cluster.
  if (withData.length > 0 && empty.length > 0 && snapshot.initialize === undefined && !snapshot.dcs.quorum)
    reasons.push(
      `${withData.join(', ')}: there are databases, ${empty.join(', ')} has none, and etcd does not answer, so nobody can tell which cluster is the right one: start etcd first ("systemctl start etcd" on its hosts)`,
    );
  if (withData.length > 0 && snapshot.dcs.members.length > 0 && !snapshot.dcs.quorum)
    reasons.push('etcd has lost its quorum: bring its members back first, or use "hapg repair"');
  const founding = [...snapshot.observations.values()].some((one) => one.dataDirectory !== undefined);
  if (founding && !snapshot.exists && missing.length > 0)
    reasons.push(`a new cluster is only made when all its hosts are there; not asked: ${missing.join(', ')}`);
  return verdict(reasons);
}

/** Can these hosts keep what the inventory promises, with the packages that they have or will get? */
export function checkVersions(cluster: Cluster, facts: (host: Host) => Facts, hosts: readonly Host[]): Verdict {
  const reasons: string[] = [];
  const { version, repository } = cluster.settings.postgres;
  for (const host of hosts.filter((one) => one.roles.has('patroni'))) {
    const its = facts(host);
    const shipped = SHIPPED_POSTGRES[its.codename];
    if (!shipped)
      reasons.push(
        `${host.name}: ${its.distribution} ${its.codename} is not supported; Debian 12 and 13 and Ubuntu 22.04 and 24.04 are`,
      );
    else if (repository === 'distribution' && shipped !== version)
      reasons.push(
        `${host.name}: ${its.codename} ships PostgreSQL ${shipped}, not ${version}; write postgres: {repository: pgdg} or version: "${shipped}"`,
      );
    if (cluster.replication === 'quorum' && !capabilities(its).quorumMode)
      reasons.push(`${host.name}: replication: quorum needs Patroni 4, here is ${its.versions.patroni}`);
  }
  return verdict(reasons);
}

const behind = (member: Member, maxLagBytes: number) => member.lagBytes === undefined || member.lagBytes > maxLagBytes;
const describe = (member: Member) =>
  `${member.name} is ${member.state}${member.lagBytes ? `, ${member.lagBytes} bytes behind` : ''}`;

/** All members there, one leader, replicas streaming on its timeline and caught up: the condition between two restarts. */
export function membersHealthy(cluster: Cluster, snapshot: Snapshot, maxLagBytes = 16 * 1024 * 1024): Verdict {
  const reasons: string[] = [];
  if (snapshot.paused) reasons.push('the cluster is paused');
  if (!snapshot.leader) reasons.push('no member leads');
  if (snapshot.leaders.length > 1) reasons.push(`two leaders: ${snapshot.leaders.join(' and ')}`);
  for (const host of hostsWith(cluster, 'patroni')) {
    const member = snapshot.members.find((one) => one.name === host.name);
    if (!member) reasons.push(`${host.name} is not a member`);
    else if (member.role === 'leader' || member.role === 'standby_leader') {
      if (member.state !== 'running') reasons.push(describe(member));
    } else {
      if (member.state !== 'streaming' || behind(member, maxLagBytes)) reasons.push(describe(member));
      if (snapshot.timeline !== undefined && member.timeline !== undefined && member.timeline !== snapshot.timeline)
        reasons.push(`${member.name} is on timeline ${member.timeline}, the leader on ${snapshot.timeline}`);
    }
  }
  const synchronous = snapshot.members.filter(
    (member) => member.role === 'sync_standby' || member.role === 'quorum_standby',
  );
  if (cluster.replication !== 'async' && synchronous.length === 0) reasons.push('there is no synchronous standby');
  return verdict(reasons);
}

/** May this etcd member be restarted or taken away? The healthy voters without it must still be a quorum. */
export function mayStopEtcd(name: string, snapshot: Snapshot): Verdict {
  const voters = snapshot.dcs.members.filter((member) => !member.learner);
  const quorum = Math.floor(voters.length / 2) + 1;
  const others = voters.filter((member) => member.healthy && member.name !== name).length;
  if (others >= quorum || voters.length === 1) return { ok: true };
  const ill = voters.filter((member) => !member.healthy).map((member) => member.name);
  return verdict([
    `etcd has ${others} other healthy voters of ${voters.length}, ${quorum} are needed${ill.length > 0 ? `; not healthy: ${ill.join(', ')}` : ''}`,
  ]);
}

/** May leadership go from the present leader to `to`? */
export function maySwitchOver(snapshot: Snapshot, to: string, synchronous: boolean): Verdict {
  const member = snapshot.members.find((one) => one.name === to);
  const reasons: string[] = [];
  if (snapshot.paused) reasons.push('the cluster is paused');
  if (!snapshot.leader) reasons.push('no member leads');
  if (!member) reasons.push(`${to} is not a member`);
  else {
    if (member === snapshot.leader) reasons.push(`${to} leads already`);
    if (member.state !== 'streaming') reasons.push(describe(member));
    if (member.tags.nofailover === true) reasons.push(`${to} has the tag nofailover`);
    if (synchronous && member.role !== 'sync_standby' && member.role !== 'quorum_standby')
      reasons.push(`${to} is no synchronous standby`);
  }
  return verdict(reasons);
}

/** The best member to switch over to: synchronous before asynchronous, least behind, then by name; undefined when there is none. */
export function bestCandidate(snapshot: Snapshot, synchronous: boolean): Member | undefined {
  const rank = (member: Member) => (member.role === 'sync_standby' || member.role === 'quorum_standby' ? 0 : 1);
  return snapshot.members
    .filter((member) => maySwitchOver(snapshot, member.name, synchronous).ok)
    .sort((a, b) => rank(a) - rank(b) || (a.lagBytes ?? 0) - (b.lagBytes ?? 0) || (a.name < b.name ? -1 : 1))[0];
}

/** Settings that a replica must not have smaller than its leader (PostgreSQL documentation, "Hot Standby"). */
const SHARED_MEMORY = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];

/** The shared-memory settings that become smaller with the restart a member waits for; `self` is Patroni's GET /patroni (4.0). */
export function shrinkingSettings(self: Record<string, unknown> | undefined): string[] {
  const reasons = (self?.pending_restart_reason ?? {}) as Record<string, { old_value: string; new_value: string }>;
  return Object.entries(reasons)
    .filter(([name, change]) => SHARED_MEMORY.includes(name) && Number(change.new_value) < Number(change.old_value))
    .map(([name]) => name);
}

/**
 * In which order members restart for changed settings: replicas before the leader, one by one; but the leader first when
 * a shared-memory setting shrinks, for until then its replicas have to keep the larger value.
 */
export function restartOrder(hosts: readonly Host[], snapshot: Snapshot): Host[][] {
  const leader = snapshot.leader?.name;
  const shrinks =
    leader !== undefined && shrinkingSettings(snapshot.observations.get(leader)?.patroni?.self).length > 0;
  const rank = (host: Host) => (host.name === leader ? 1 : 0) * (shrinks ? -1 : 1);
  return [...hosts].sort((a, b) => rank(a) - rank(b)).map((host) => [host]);
}
