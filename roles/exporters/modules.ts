import type { Module } from '../../src/inventory/exporters.ts';
import { backupHosts, type Cluster, dcsHosts, dcsRole, type Host } from '../../src/inventory/model.ts';

/**
 * Returns the modules of a host, in the order of `MODULES`. The repositories are read on one host alone: each read of
 * them starts pgBackRest.
 */
export function modulesOf(host: Host, cluster: Cluster): Module[] {
  const { roles } = host;
  const dcs = dcsRole(cluster);
  return [
    'node',
    ...(roles.has('patroni') ? (['postgres', 'patroni'] as const) : []),
    ...(roles.has('pgbouncer') ? (['pgbouncer'] as const) : []),
    ...(roles.has('haproxy') ? (['haproxy'] as const) : []),
    ...(dcs && dcsHosts(cluster).includes(host) ? [dcs] : []),
    ...(backupHosts(cluster)[0] === host ? (['pgbackrest'] as const) : []),
  ];
}
