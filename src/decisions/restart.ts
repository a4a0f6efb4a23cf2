import type { Snapshot } from '../cluster/snapshot.ts';
import type { Host } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';

/** A setting that takes effect with a restart, with its values as they may be shown; undefined: not known. */
export interface RestartSetting {
  name: string;
  from: string | undefined;
  to: string | undefined;
}

/** Settings that a replica must not have smaller than its leader (PostgreSQL documentation, "Hot Standby"). */
const SHARED_MEMORY = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];

/** Returns the settings for which a member waits to be restarted; `self` is Patroni's GET /patroni (4.0; none before). */
export function waitingSettings(self: Record<string, unknown> | undefined): RestartSetting[] {
  const reasons = (self?.pending_restart_reason ?? {}) as Record<string, { old_value: string; new_value: string }>;
  return Object.entries(reasons).map(([name, change]) => ({ name, from: change.old_value, to: change.new_value }));
}

/** Returns those of the settings that become smaller and that a replica must not have smaller than its leader. */
export const shrinking = (settings: readonly RestartSetting[]): string[] =>
  settings
    .filter(({ name, from, to }) => SHARED_MEMORY.includes(name) && Number(to) < Number(from))
    .map(({ name }) => name);

/** Returns the shared-memory settings that a pending restart makes smaller; `self` is Patroni's GET /patroni (4.0). */
export const shrinkingSettings = (self: Record<string, unknown> | undefined): string[] =>
  shrinking(waitingSettings(self));

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
