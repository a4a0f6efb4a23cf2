import type { Snapshot } from '../cluster/snapshot.ts';
import type { Host } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';

/** Settings that a replica must not have smaller than its leader (PostgreSQL documentation, "Hot Standby"). */
const SHARED_MEMORY = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];

/** Returns the shared-memory settings that a pending restart makes smaller; `self` is Patroni's GET /patroni (4.0). */
export function shrinkingSettings(self: Record<string, unknown> | undefined): string[] {
  const reasons = (self?.pending_restart_reason ?? {}) as Record<string, { old_value: string; new_value: string }>;
  return Object.entries(reasons)
    .filter(([name, change]) => SHARED_MEMORY.includes(name) && Number(change.new_value) < Number(change.old_value))
    .map(([name]) => name);
}

/**
 * Returns the order of restarts for changed settings: replicas before the leader, one by one. The leader comes first
 * when a shared-memory setting shrinks, since its replicas must keep the larger value until then.
 */
export function restartOrder(hosts: readonly Host[], snapshot: Snapshot): Host[][] {
  const leader = snapshot.leader?.name;
  const shrinks =
    leader !== undefined && shrinkingSettings(said(snapshot.observations.get(leader)?.patroni)?.self).length > 0;
  const rank = (host: Host) => (host.name === leader ? 1 : 0) * (shrinks ? -1 : 1);
  return [...hosts].sort((a, b) => rank(a) - rank(b)).map((host) => [host]);
}
