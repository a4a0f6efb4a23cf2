import { type Cluster, hostsWith, isPooled } from '../../src/inventory/model.ts';
import { single } from '../../src/inventory/network.ts';
import { POOLER } from '../../src/steps/sql-objects.ts';

export const SUPERUSER = 'postgres';
export const REPLICATION_USER = 'replicator';
export const REWIND_USER = 'rewinder';

/**
 * pg_hba.conf from the model: the operating system's postgres over the socket, members and standby clusters for replication and rewind,
 * clients through the balancers (or directly where there are none); TLS and SCRAM only; the last line rejects.
 */
export function hbaLines(cluster: Cluster): string[] {
  const members = hostsWith(cluster, 'patroni').map((host) => single(host.address));
  const balancers = hostsWith(cluster, 'haproxy').map((host) => single(host.address));
  const direct = [...cluster.settings.clients, ...hostsWith(cluster, 'client').map((host) => single(host.address))];
  const pooled = isPooled(cluster);
  const copies = [...new Set(Object.values(cluster.settings.standbys).flat())];
  // A pool connects from the member's own host; HAProxy forwards TCP, so a client behind it is seen with its address.
  const clients = [...(pooled ? members : []), ...(balancers.length > 0 ? balancers : pooled ? [] : direct)];
  return [
    `local all ${SUPERUSER} peer`,
    ...members.map((address) => `hostssl replication ${REPLICATION_USER} ${address} scram-sha-256`),
    ...members.map((address) => `hostssl all ${REWIND_USER} ${address} scram-sha-256`),
    ...copies.map((network) => `hostssl replication ${REPLICATION_USER} ${network} scram-sha-256`),
    ...copies.map((network) => `hostssl all ${REWIND_USER} ${network} scram-sha-256`),
    ...members.map((address) => `hostssl all ${SUPERUSER} ${address} scram-sha-256`),
    `host all ${SUPERUSER},${REPLICATION_USER},${REWIND_USER} all reject`,
    ...(pooled ? members.map((address) => `hostssl all ${POOLER} ${address} cert`) : []),
    ...[...new Set(clients)].map((address) => `hostssl all all ${address} scram-sha-256`),
    ...cluster.settings.postgres.hba,
    'local all all reject',
    'host all all all reject',
  ];
}
