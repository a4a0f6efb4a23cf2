import type { Snapshot } from '../cluster/snapshot.ts';
import { fromHere } from '../from-here.ts';
import type { Identity } from '../identity.ts';
import { dcsName, dcsPeer } from '../inventory/dcs.ts';
import { DATA_DIR, immutableSettings } from '../inventory/immutable.ts';
import { type Cluster, dataDirSetting, dcsHosts, dcsRole, type Host, hostsWith } from '../inventory/model.ts';
import { normalPath } from '../inventory/values.ts';
import { said, silence } from '../observe/answer.ts';
import type { Observation } from '../observe/index.ts';
import type { RefusalCode } from '../refusal-codes.ts';
import { compareRevisions, type Lineage } from '../secrets/lineage.ts';
import { noHostHeld, pauseWords } from './holds.ts';
import { standbyAsDeclared } from './standby.ts';
import { placesTaken } from './storage.ts';
import { type Verdict, verdict } from './verdict.ts';

/**
 * Compares cluster, UUID, authorities, generation and revision of this inventory's secret store with what each host
 * reports; guards every run. `store` is undefined when there is no secret store; its `accepted` fingerprints are those
 * of an authority that is being rotated.
 */
export function checkIdentity(
  cluster: Cluster,
  snapshot: Snapshot,
  store: (Identity & Lineage & { accepted?: Record<string, string[]> }) | undefined,
): Verdict {
  const reasons: string[] = [];
  for (const [host, { identity }] of snapshot.observations) {
    if (!identity) continue;
    if (!store || store.uuid !== identity.uuid) {
      reasons.push(
        store === undefined || identity.cluster === cluster.name
          ? `${host}: belongs to cluster ${identity.cluster} (${identity.uuid}), whose secret store is not the one in ${fromHere(cluster.stateDir)}. Bring that directory back from the machine that set the cluster up`
          : `${host}: belongs to another cluster, ${identity.cluster} (${identity.uuid})`,
      );
      continue;
    }
    const foreign = Object.entries(identity.authorities).filter(
      ([name, print]) => store.authorities[name] !== print && !store.accepted?.[name]?.includes(print),
    );
    if (foreign.length > 0)
      reasons.push(
        `${host}: trusts other authorities (${foreign.map(([name]) => name).join(', ')}) than the secret store has`,
      );
    if (identity.generation > store.generation)
      reasons.push(
        `${host}: a newer inventory was applied (generation ${identity.generation}, yours is ${store.generation}). Get the present inventory and .hapg directory`,
      );
    else reasons.push(...otherRevision(cluster, host, identity, store));
  }
  const elsewhere = [...otherDcs(cluster, snapshot), ...moved(cluster, snapshot)];
  // The members of a DCS at another place are not known.
  reasons.push(...misnamed(cluster, snapshot), ...(elsewhere.length > 0 ? elsewhere : leftOut(cluster, snapshot)));
  if (!store && reasons.length === 0 && snapshot.exists)
    reasons.push(
      `a cluster is living on these hosts, but ${fromHere(cluster.stateDir)} has no secret store. Bring it back: new passwords and authorities would cut everything off`,
    );
  return verdict(reasons, 'identity');
}

/** Reasons against an outdated copy of the secret store, or one that was changed apart from the one in use. */
function otherRevision({ stateDir }: Cluster, host: string, identity: Identity, store: Identity & Lineage): string[] {
  const [there, here] = [identity, store].map(({ revision }) => revision ?? 0);
  switch (compareRevisions(identity, store)) {
    case 'later':
      return [
        `${host}: was set up from a newer secret store (revision ${there}, ${fromHere(stateDir)} has ${here}), so passwords or keys that are in use are not in yours. Get the present .hapg directory from whoever changed it`,
      ];
    case 'apart':
      return [
        `${host}: was set up from another copy of the secret store (its revision ${there} is not the one that led to revision ${here} of ${fromHere(stateDir)}), so two copies were changed apart. Get the .hapg directory that the hosts were set up from`,
      ];
    case 'past':
      return [];
  }
}

/** Reasons against a second DCS: members that use different ones would elect two leaders. */
function otherDcs(cluster: Cluster, snapshot: Snapshot): string[] {
  const now = dcsName(cluster);
  return [...snapshot.observations].flatMap(([host, { identity }]) => {
    const before = identity ? (identity.dcs ?? 'etcd') : now;
    return before === now
      ? []
      : [
          `${host}: the DCS is ${before}, and the inventory says ${now}: that cannot be changed while the cluster lives`,
        ];
  });
}

/** A path may have been written with a slash at its end. */
const normal = (value: string | number) =>
  typeof value === 'string' && value.startsWith('/') ? normalPath(value) : value;

/** Reasons against changed settings that a living cluster cannot follow, each from the first host that reports it. */
function moved(cluster: Cluster, snapshot: Snapshot): string[] {
  // With everything stopped, nothing is found at the new place, but hosts have noted that there was something.
  const lives = snapshot.exists || [...snapshot.observations.values()].some((one) => said(one.dataDirectory)?.noted);
  const votes = snapshot.dcs.members.length > 0;
  const reasons = new Map<string, string>();
  for (const host of cluster.hosts) {
    const its = snapshot.observations.get(host.name);
    if (!its) continue;
    const now = immutableSettings(cluster, host);
    const isFixed = (path: string): boolean =>
      (lives && (path !== DATA_DIR || mayHoldData(host, its, snapshot))) || (votes && /^(etcd|zookeeper)\./.test(path));
    for (const [path, before] of Object.entries(its.identity?.fixed ?? {}))
      if (path in now && now[path] !== normal(before) && isFixed(path)) {
        const setting = path === DATA_DIR ? dataDirSetting(cluster, host) : path;
        const key = `${setting} ${normal(before)}`;
        reasons.set(
          key,
          reasons.get(key) ??
            `${host.name}: ${setting} is ${before}, and the inventory says ${now[path]}: that cannot be changed while the cluster lives. Put the former value back`,
        );
      }
  }
  return [...reasons.values()];
}

/**
 * Whether data of this host may be where it has noted its data directory. Not without PostgreSQL, and not on a host that
 * joins while another one leads: it runs no Patroni and has noted no database.
 */
function mayHoldData({ name, roles }: Host, its: Observation, { leader }: Snapshot): boolean {
  const [data, patroni] = [said(its.dataDirectory), said(its.patroni)];
  const isNew = data !== undefined && !data.noted && patroni !== undefined && !patroni.self;
  return roles.has('patroni') && !(isNew && leader !== undefined && leader.name !== name);
}

/**
 * Reasons against changed host names (shifted or swapped addresses): such a host would become a second member of that
 * name, and both could believe that they lead.
 */
function misnamed(cluster: Cluster, snapshot: Snapshot): string[] {
  const cure = 'Give each host of the inventory the address that it had';
  return cluster.hosts.flatMap((host) => {
    const self = said(snapshot.observations.get(host.name)?.patroni)?.self?.patroni as { name?: string } | undefined;
    const voter = snapshot.dcs.members.find((one) => one.peer === dcsPeer(cluster, host));
    return [
      ...(self?.name && self.name !== host.name
        ? [`${host.name}: ${host.address} is the PostgreSQL member ${self.name}. ${cure}`]
        : []),
      ...(voter?.name && voter.name !== host.name
        ? [`${host.name}: ${host.address} is the member ${voter.name} of ${cluster.dcs.label}. ${cure}`]
        : []),
    ];
  });
}

/**
 * Reasons against living members that the inventory lacks: its firewall would cut them off, even the leader. One with
 * another name here is reported as misnamed; one that was stopped cleanly is leaving.
 */
function leftOut(cluster: Cluster, { members, dcs }: Snapshot): string[] {
  const databases = hostsWith(cluster, 'patroni');
  const peers = dcsHosts(cluster).map((host) => dcsPeer(cluster, host));
  const left = [
    ...members
      .filter(({ state }) => state !== 'stopped')
      .filter(({ name, host }) => !databases.some((one) => one.name === name || one.address === host))
      .map(({ name, host }) => ({ name, is: `a PostgreSQL member (${host})` })),
    ...dcs.members
      .filter(({ peer }) => !peers.includes(peer))
      .map(({ name, peer }) => ({ name: name || 'NAME', is: `a member of ${cluster.dcs.label} (${peer})` })),
  ];
  return left.map(
    ({ name, is }) =>
      `${name}: is ${is}, but it is missing from the inventory, and an apply would cut it off. Put it back, then "hapg remove-node ${name}", with --gone where the host is lost for good`,
  );
}

/** Reasons for balancers on which the VIP would have no network interface: keepalived would stay in its fault state. */
function withoutInterface(cluster: Cluster, { observations }: Snapshot): string[] {
  return hostsWith(cluster, 'keepalived').flatMap(({ name, address, vipInterface: own }) => {
    const found = observations.get(name)?.vipInterface;
    const unknown = silence(found);
    if (own !== undefined)
      return said(found) === null
        ? [
            `${name}: there is no network interface ${own}. Leave vip.interface out where balancers differ: each takes the one that has its address, or name another with hosts.${name}.vip.interface`,
          ]
        : [];
    if (unknown !== undefined) return [`${name}: it is not known which network interface has ${address} (${unknown})`];
    return said(found) === null
      ? [
          `${name}: no network interface has ${address}, so none is known for the VIP: name it with hosts.${name}.vip.interface`,
        ]
      : [];
  });
}

/** States of a member whose Patroni makes or copies its database now (Patroni, postgresql/bootstrap.py and `ha.py`). */
const MAKING = /^(initializing new cluster|running custom bootstrap script|creating replica)$/;

/**
 * May `apply` go on? A new cluster is made only where everything is empty; an existing one must be one cluster, unpaused,
 * with a leader. `missing` are hosts of the model that were not asked.
 */
export function admitApply(cluster: Cluster, snapshot: Snapshot, missing: readonly string[]): Verdict {
  const reasons: string[] = [];
  const codes = new Set<RefusalCode>();
  const refuse = (code: RefusalCode, ...texts: readonly string[]) => {
    if (texts.length > 0) codes.add(code);
    reasons.push(...texts);
  };
  const { label } = cluster.dcs;
  const role = dcsRole(cluster);
  for (const host of cluster.hosts) {
    const { dataDirectory, patroni } = snapshot.observations.get(host.name) ?? {};
    const reason = silence(dataDirectory);
    if (reason !== undefined)
      refuse('unknown', `${host.name}: it is not known whether there is a database (${reason})`);
    // What a run that was killed has begun goes on.
    if (!MAKING.test(String(said(patroni)?.self?.state)))
      refuse('taken', ...placesTaken(cluster, host, said(dataDirectory)));
  }
  for (const { name, dataDir } of cluster.hosts)
    if (said(snapshot.observations.get(name)?.dataDirectory)?.lost)
      refuse(
        'directory',
        `${name}: ${dataDir} had the database of this host and is empty now: is its mount missing? Where it is gone for good, "hapg reinit ${name}" builds it anew from the others`,
      );
  if (snapshot.systemIdentifiers.length > 1) {
    const where = [...snapshot.observations].flatMap(([host, { dataDirectory }]) => {
      const identifier = said(dataDirectory)?.systemIdentifier;
      return identifier ? [`${host} ${identifier}`] : [];
    });
    refuse(
      'system_identifier',
      `more than one database system: ${where.join(', ')}; the DCS says ${snapshot.initialize ?? 'nothing'}. Move the wrong data directory away`,
    );
  }
  if (snapshot.leaders.length > 1)
    refuse(
      'two_leaders',
      `two leaders: ${snapshot.leaders.join(' and ')}. Do not write to either; find out which one is right`,
    );
  for (const [host, { restore }] of snapshot.observations)
    if (restore) refuse('restore', `${host}: a restore is under way; run "hapg restore" again to go on`);
  const backups = [...snapshot.observations].filter(
    ([, { repository }]) => (said(repository)?.backups.length ?? 0) > 0,
  );
  if (!snapshot.exists && backups.length > 0)
    refuse(
      'backup',
      `${backups.map(([host]) => host).join(', ')}: there are backups of ${cluster.stanza}, and no database host has data: "hapg restore --latest" brings it back. For a new cluster use another stanza`,
    );
  refuse('not_fit', ...withoutInterface(cluster, snapshot));
  const stands = standbyAsDeclared(cluster, snapshot);
  if (!stands.ok) refuse('standing', ...stands.reasons);
  if (snapshot.paused) refuse('paused', `${pauseWords(snapshot)}, so there is no failover: "hapg resume" first`);
  const held = noHostHeld(snapshot);
  if (!held.ok) refuse('held', ...held.reasons);
  const withData = [...snapshot.observations]
    .filter(([, { dataDirectory }]) => said(dataDirectory)?.state === 'cluster')
    .map(([host]) => host);
  if (withData.length > 0 && snapshot.dcs.quorum && snapshot.dcs.blind)
    refuse(
      'dcs',
      `${label} answers, but no database host can read its keys ("patronictl list"), so it is not known which cluster is the right one`,
    );
  else if (withData.length > 0 && snapshot.initialize === undefined && snapshot.dcs.quorum)
    refuse(
      'dcs',
      `${withData.join(', ')}: there are databases, but the DCS knows of no cluster (its initialize key is missing). Starting an empty host now would make a second, empty cluster; use "hapg repair"`,
    );
  const empty = [...snapshot.observations]
    .filter(([, { dataDirectory }]) => /^(absent|empty)$/.test(said(dataDirectory)?.state ?? ''))
    .map(([host]) => host);
  // If the DCS came up empty, the empty host could start first and make a second cluster.
  if (withData.length > 0 && empty.length > 0 && snapshot.initialize === undefined && !snapshot.dcs.quorum)
    refuse(
      'dcs',
      `${withData.join(', ')}: there are databases, ${empty.join(', ')} has none, and ${label} does not answer, so it is not known which cluster is the right one: start ${label} first${role ? ` ("systemctl start ${role}" on its hosts)` : ''}`,
    );
  // ZooKeeper reports its members only while it has a quorum; two that lost their data must not form a new one.
  if (withData.length > 0 && !snapshot.dcs.quorum && (snapshot.dcs.members.length > 0 || role === 'zookeeper'))
    refuse('dcs', `${label} has lost its quorum: bring its members back first, or use "hapg repair"`);
  const founding = [...snapshot.observations.values()].some((one) => one.dataDirectory !== undefined);
  if (founding && !snapshot.exists && missing.length > 0)
    refuse('unknown', `a new cluster is only made when all its hosts are there; not asked: ${missing.join(', ')}`);
  return verdict(reasons, ...codes);
}
