import { written } from '../postgres/written.ts';
import type { Inventory } from './schema.ts';

/** Returns the replication slot in which a cluster keeps WAL for a standby cluster; a cluster's name has no underscore. */
export const standbySlot = (name: string): string => `hapg_standby_${name.replaceAll('-', '_')}`;

/**
 * Returns the number of standbys' connections and slots, with room for growth: following the number of members would
 * restart all when one is added.
 */
export const senders = ({ hosts }: Pick<Inventory, 'hosts'>): number =>
  Math.max(20, 2 * Object.values(hosts).filter((host) => host.roles.includes('patroni')).length + 4);

/**
 * Returns settings of which a standby must have at least its upstream's value (PostgreSQL documentation,
 * "Administrator's Overview" of hot standby).
 */
export function hotStandbySettings({ postgres, hosts }: Pick<Inventory, 'postgres' | 'hosts'>) {
  const said = (name: string, otherwise: number) =>
    written(Number(postgres.version), name, postgres.parameters[name] ?? otherwise);
  return {
    max_connections: said('max_connections', 200),
    max_wal_senders: said('max_wal_senders', senders({ hosts })),
    max_worker_processes: said('max_worker_processes', 8),
    max_prepared_transactions: said('max_prepared_transactions', 0),
    max_locks_per_transaction: said('max_locks_per_transaction', 64),
  };
}
