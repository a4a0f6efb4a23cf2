import { capabilities, SHIPPED_POSTGRES } from '../cluster/versions.ts';
import { dcsName } from '../inventory/dcs.ts';
import { backupHosts, type Cluster, dcsRole, type Host } from '../inventory/model.ts';
import { kindOf } from '../inventory/repositories/kinds.ts';
import type { Facts } from '../observe/host.ts';
import { parseBoolean } from '../postgres/value.ts';
import { bytes } from '../units.ts';
import { type Verdict, verdict } from './verdict.ts';

/** Can these hosts do what the inventory asks for, with the packages that they have or will get? */
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
    if (dcsRole(cluster) !== 'etcd' && !capabilities(its).namesScope)
      reasons.push(
        `${host.name}: dcs: ${dcsName(cluster)} needs Patroni 3.1.1, here is ${its.versions.patroni}; write postgres: {repository: pgdg}`,
      );
    if (cluster.dcs.kind === 'zookeeper' && cluster.dcs.external?.user && !capabilities(its).zookeeperUser)
      reasons.push(`${host.name}: a user of ZooKeeper needs Patroni 3.3, here is ${its.versions.patroni}`);
    if ((cluster.upstream || Object.keys(cluster.settings.standbys).length > 0) && !capabilities(its).standbyClusters)
      reasons.push(
        `${host.name}: standby clusters need Patroni 3.2, here is ${its.versions.patroni}; write postgres: {repository: pgdg}`,
      );
    if (cluster.replication === 'quorum' && !capabilities(its).quorumMode)
      reasons.push(`${host.name}: replication: quorum needs Patroni 4, here is ${its.versions.patroni}`);
  }
  for (const host of backupHosts(cluster).filter((one) => hosts.includes(one))) {
    const its = facts(host);
    for (const one of cluster.repositories) {
      const needs = kindOf(one).needs?.(one, capabilities(its));
      if (needs)
        reasons.push(
          `${host.name}: repository ${one.key} with ${needs}, here is ${its.versions.pgbackrest}; write postgres: {repository: pgdg}`,
        );
    }
  }
  return verdict(reasons, 'version');
}

/**
 * Has each host the huge pages without which its PostgreSQL would not start? `buffersOf` is the shared memory that it will
 * have (bytes).
 */
export function checkHugePages(
  cluster: Cluster,
  facts: (host: Host) => Facts,
  hosts: readonly Host[],
  buffersOf: (host: Host) => number | undefined,
): Verdict {
  const reasons: string[] = [];
  for (const host of hosts.filter((one) => one.roles.has('patroni'))) {
    const wanted = host.parameters.huge_pages ?? cluster.settings.postgres.parameters.huge_pages;
    if (parseBoolean(String(wanted)) !== true) continue;
    const { hugePages, hugePageBytes, sysctl } = facts(host);
    const buffers = buffersOf(host) ?? 0;
    const comes = host.tuning.has('huge_pages') && sysctl === 'all';
    if (!comes && hugePages * hugePageBytes < buffers)
      reasons.push(
        `${host.name}: huge_pages is on, and the host keeps ${bytes(hugePages * hugePageBytes)} of huge pages for ${bytes(buffers)} of shared_buffers, so that PostgreSQL would not start; write huge_pages: try${sysctl === 'all' ? ', or turn tuning.huge_pages on' : ''}`,
      );
  }
  return verdict(reasons, 'huge_pages');
}
