import type { Snapshot } from '../cluster/snapshot.ts';
import { type Cluster, dcsHosts, dcsRole, type Host } from '../inventory/model.ts';
import { said, silence } from '../observe/answer.ts';
import { PATHS } from '../paths.ts';
import { type Verdict, verdict } from './verdict.ts';

/** Traces of the DCS on one of its hosts, beside the member's own answer. */
export interface DcsRemains {
  active: boolean;
  /** The data directory holds a member: its database and its log. */
  data: boolean;
  /** The size of the member's database file (bytes); only for comparing copies of one cluster. */
  sizeBytes: number;
  /** The last write to its log (s since the epoch). */
  written: number;
  /** Names of hosts of the DCS whose members' ports do not answer from here. */
  cutOffFrom: string[];
  /** Names of hosts of the DCS whose members report to this host that they are healthy. */
  seesHealthy: string[];
}

/** One kind of damage, with its repair. */
export type Damage =
  | { kind: 'start-dcs'; host: Host; found: string }
  | { kind: 'replace-dcs-member'; host: Host; found: string }
  | { kind: 'recover-quorum'; host: Host; lost: Host[]; found: string }
  | { kind: 'refill-dcs'; host: Host; systemIdentifier: string; found: string };

/** Finds damage in the order of its repair, and damage that cannot be repaired with the reason. Pure. */
export function findDamage(
  cluster: Cluster,
  snapshot: Snapshot,
  remains: ReadonlyMap<string, DcsRemains>,
): { damages: Damage[]; verdict: Verdict } {
  const damages: Damage[] = [];
  const reasons: string[] = [];
  const { label } = cluster.dcs;
  const role = dcsRole(cluster);
  if (cluster.dcs.external) {
    const damaged = !snapshot.dcs.quorum
      ? `${label} does not answer, and is not this cluster's own: bring it back there`
      : snapshot.initialize === undefined && snapshot.systemIdentifiers.length > 0
        ? `${label} knows of no cluster ${cluster.scope}, and is not this cluster's own: bring its keys back there (${cluster.dcsPath})`
        : undefined;
    return { damages, verdict: verdict(damaged ? [damaged] : [], 'directory') };
  }
  const hosts = dcsHosts(cluster);
  const healthy = (host: Host) => snapshot.dcs.members.some((one) => one.name === host.name && one.healthy);
  const of = (host: Host) =>
    remains.get(host.name) ?? { active: false, data: false, sizeBytes: 0, written: 0, cutOffFrom: [], seesHealthy: [] };
  const ill = hosts.filter((host) => !healthy(host));
  const known = (host: Host) => snapshot.dcs.members.some((one) => one.name === host.name);
  // A member that is only stopped is started before its data is judged.
  const stopped = ill.filter((host) => of(host).data && !of(host).active && (known(host) || !snapshot.dcs.quorum));
  if (stopped.length > 0)
    return {
      damages: stopped.map((host) => ({
        kind: 'start-dcs',
        host,
        found: `${label} on ${host.name} does not run; its data is there`,
      })),
      verdict: verdict([]),
    };
  // A sound member that only the network separates from the others would lose its vote for nothing.
  const parted = snapshot.dcs.quorum ? ill.filter((host) => of(host).cutOffFrom.length > 0) : [];
  for (const host of parted)
    reasons.push(
      `${host.name} does not reach ${label} on ${of(host).cutOffFrom.join(', ')}: mend the network or the firewall between them; its data is not touched`,
    );
  if (snapshot.dcs.quorum) {
    for (const host of ill.filter((one) => !parted.includes(one))) {
      // Its own host is only one witness; an answer that another host gets outweighs that silence.
      const witness = hosts.find((other) => other !== host && of(other).seesHealthy.includes(host.name));
      if (witness) {
        reasons.push(
          `${label} on ${host.name} is healthy as ${witness.name} sees it, and gives its own host no answer: look at its certificates and at "hapg logs ${role}" there; it is not replaced`,
        );
        continue;
      }
      // Other hosts cannot ask a member of ZooKeeper, so its silence alone proves no damage.
      if (
        role === 'zookeeper' &&
        of(host).active &&
        of(host).data &&
        !said(snapshot.observations.get(host.name)?.dcs)
      ) {
        reasons.push(
          `${label} on ${host.name} runs with its data and gives no answer, which proves no damage: look at "hapg logs ${role}", or restart it there ("systemctl restart ${role}")`,
        );
        continue;
      }
      damages.push({
        kind: 'replace-dcs-member',
        host,
        found: !known(host)
          ? `${host.name} is no member of ${label} any more; the others have a quorum`
          : of(host).data
            ? `${label} on ${host.name} runs and is not healthy; the others have a quorum`
            : `${label} on ${host.name} has lost its data; the others have a quorum`,
      });
    }
  } else if (ill.length > 0) {
    const left = hosts.filter((host) => of(host).data);
    const lost = hosts.filter((host) => !of(host).data);
    const best = [...left].sort((a, b) => of(b).written - of(a).written || of(b).sizeBytes - of(a).sizeBytes)[0];
    if (!best)
      reasons.push(
        `no host of ${label} has its data: ${hosts.map((host) => host.name).join(', ')}. Bring one data directory back (${cluster.dcs.dataDir}), or a copy from ${PATHS.state}`,
      );
    else if (left.length > hosts.length / 2)
      reasons.push(
        `${left.map((host) => host.name).join(', ')} have their data and could form a quorum, but ${label} does not answer: look at "hapg logs ${role}" first`,
      );
    else
      damages.push({
        kind: 'recover-quorum',
        host: best,
        lost,
        found: `${label} has lost its quorum for good: ${lost.map((host) => host.name).join(', ')} lost the data, ${best.name} has the newest copy`,
      });
  }
  if (
    damages.length === 0 &&
    reasons.length === 0 &&
    snapshot.dcs.quorum &&
    !snapshot.dcs.blind &&
    snapshot.initialize === undefined
  ) {
    const holders = [...snapshot.observations].filter(([, one]) => said(one.dataDirectory)?.systemIdentifier);
    const identifiers = snapshot.systemIdentifiers;
    // Only the last leader's data holds every acknowledged row: it must lead first.
    const led = holders.filter(([, one]) => said(one.dataDirectory)?.led).map(([name]) => name);
    const host = cluster.hosts.find(({ name }) => name === (snapshot.leaders[0] ?? led[0]));
    // One client that did not see a key is no proof that there is none.
    const witnesses = [...snapshot.observations].filter(([, one]) => {
      const dcs = said(one.dcs);
      return dcs?.healthy && !dcs.blind;
    });
    // The newest data may be on a host that could not be read.
    const unread = [...snapshot.observations].filter(([, one]) => silence(one.dataDirectory) !== undefined);
    if (unread.length > 0)
      reasons.push(
        `${label} knows of no cluster, and it is not known whether ${unread.map(([name]) => name).join(' and ')} has a database`,
      );
    else if (witnesses.length < Math.min(2, hosts.length))
      reasons.push(
        `only ${witnesses.map(([name]) => name).join(', ') || 'nobody'} reports that ${label} knows of no cluster: two of its members must`,
      );
    else if (identifiers.length === 1 && (!host || (snapshot.leaders.length === 0 && led.length > 1)))
      reasons.push(
        `${label} knows of no cluster, and ${led.length === 0 ? 'no data directory is' : `the data directories of ${led.join(' and ')} are`} that of a leader: it is not known which one is the newest${cluster.upstream ? `. As a standby of ${cluster.upstream.name} it can be built anew on empty hosts` : ''}`,
      );
    else if (identifiers.length === 1 && host)
      damages.push({
        kind: 'refill-dcs',
        host,
        systemIdentifier: identifiers[0]!,
        found: `${label} knows of no cluster, and ${holders.map(([name]) => name).join(', ')} hold the database ${identifiers[0]}`,
      });
    else if (identifiers.length > 1)
      reasons.push(
        `${label} knows of no cluster, and there is more than one database: ${identifiers.join(', ')}. Move the wrong data directories away`,
      );
  }
  return { damages, verdict: verdict(reasons, 'dcs') };
}
