import { MONITOR } from '../../src/inventory/exporters.ts';
import { type Cluster, hostsWith, isPooled, monitored } from '../../src/inventory/model.ts';
import { single } from '../../src/inventory/network.ts';
import { parseBoolean } from '../../src/postgres/value.ts';
import { POOLER } from '../../src/steps/sql/want.ts';

export const SUPERUSER = 'postgres';
export const REPLICATION_USER = 'replicator';
export const REWIND_USER = 'rewinder';
/** The database to which Patroni connects, and which it names in `primary_conninfo` (config.py, `primary_conninfo_params`). */
const PATRONI_DATABASE = 'postgres';

/**
 * Returns pg_hba.conf from the model: the operating system's postgres and the exporter over the socket, members and standby clusters for
 * replication and rewind, clients through the balancers (or directly where there are none); TLS and SCRAM only; the
 * last line rejects. PostgreSQL takes the first line that matches, so lines of the inventory cannot shut out the
 * cluster's own accounts.
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
    ...(monitored(cluster) ? [`local ${PATRONI_DATABASE} ${MONITOR} peer`, `host all ${MONITOR} all reject`] : []),
    ...members.map((address) => `hostssl replication ${REPLICATION_USER} ${address} scram-sha-256`),
    ...members.map((address) => `hostssl all ${REWIND_USER} ${address} scram-sha-256`),
    ...copies.map((network) => `hostssl replication ${REPLICATION_USER} ${network} scram-sha-256`),
    ...copies.map((network) => `hostssl all ${REWIND_USER} ${network} scram-sha-256`),
    ...(synchronizesSlots(cluster) ? [...members, ...copies] : []).map(
      (address) => `hostssl ${PATRONI_DATABASE} ${REPLICATION_USER} ${address} scram-sha-256`,
    ),
    ...members.map((address) => `hostssl all ${SUPERUSER} ${address} scram-sha-256`),
    `host all ${SUPERUSER},${REPLICATION_USER},${REWIND_USER} all reject`,
    ...(pooled ? members.map((address) => `hostssl all ${POOLER} ${address} cert`) : []),
    ...[...new Set(clients)].map((address) => `hostssl all all ${address} scram-sha-256`),
    ...cluster.settings.postgres.hba,
    'local all all reject',
    'host all all all reject',
  ];
}

/**
 * Whether standbys synchronize logical slots. Their worker logs in to a database with the account of
 * `primary_conninfo`, which is no replication connection (PostgreSQL 17, "Replication Slot Synchronization").
 */
const synchronizesSlots = ({ settings: { postgres } }: Cluster): boolean =>
  Number(postgres.version) >= 17 && parseBoolean(String(postgres.parameters.sync_replication_slots ?? 'off')) === true;
