import { capabilities } from '../../src/cluster/facts.ts';
import type { Context } from '../../src/engine/playbook.ts';
import { hostsWith } from '../../src/inventory/model.ts';

/** The dynamic configuration of the cluster as declared; what `PATCH /config` is compared with. */
export function dcsConfig(context: Context): Record<string, unknown> {
  const { cluster } = context;
  const { patroni, postgres } = cluster.settings;
  const members = hostsWith(cluster, 'patroni');
  const able = members.map((host) => capabilities(context.facts(host)));
  // Enough for growth: a figure that followed the number of members would restart all of them when one is added.
  const senders = Math.max(20, 2 * members.length + 4);
  const times = cluster.timing.patroni;
  const synchronous = cluster.replication === 'async' ? false : cluster.replication === 'quorum' ? 'quorum' : true;
  return {
    ttl: times.ttl,
    loop_wait: times.loop_wait,
    retry_timeout: times.retry_timeout,
    primary_start_timeout: times.primary_start_timeout,
    maximum_lag_on_failover: patroni.maximum_lag_on_failover,
    synchronous_mode: synchronous,
    synchronous_mode_strict: patroni.synchronous_mode_strict,
    synchronous_node_count: cluster.synchronousNodes,
    ...(able.every((one) => one.failsafeMode) ? { failsafe_mode: true } : {}),
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      remove_data_directory_on_rewind_failure: false,
      remove_data_directory_on_diverged_timelines: false,
      parameters: {
        wal_level: postgres.parameters.wal_level ?? 'replica',
        hot_standby: 'on',
        wal_log_hints: 'on',
        max_connections: postgres.parameters.max_connections ?? 200,
        max_wal_senders: postgres.parameters.max_wal_senders ?? senders,
        max_replication_slots: postgres.parameters.max_replication_slots ?? senders,
        max_worker_processes: postgres.parameters.max_worker_processes ?? 8,
        max_prepared_transactions: postgres.parameters.max_prepared_transactions ?? 0,
        max_locks_per_transaction: postgres.parameters.max_locks_per_transaction ?? 64,
        track_commit_timestamp: postgres.parameters.track_commit_timestamp ?? 'off',
        // A replica that stays away must not fill the leader's disk.
        max_slot_wal_keep_size: postgres.parameters.max_slot_wal_keep_size ?? '16GB',
        ...(cluster.repositories.length > 0
          ? { archive_mode: 'on', archive_timeout: postgres.parameters.archive_timeout ?? '60s' }
          : {}),
      },
    },
  };
}
