import { capabilities } from '../../src/cluster/facts.ts';
import type { Context } from '../../src/engine/playbook.ts';
import { type Cluster, hostsWith } from '../../src/inventory/model.ts';
import { hotStandbySettings, senders, standbySlot } from '../../src/inventory/standby.ts';

/** Whoever leads there is found among all members, and keeps WAL in a slot (Patroni documentation, "Standby cluster"). */
const copyOf = ({ name }: Cluster, source: Cluster) => ({
  host: hostsWith(source, 'patroni')
    .map((host) => host.address)
    .join(','),
  port: source.settings.postgres.port,
  primary_slot_name: standbySlot(name),
  create_replica_methods: ['basebackup'],
});

/** The dynamic configuration of the cluster as declared; what `PATCH /config` is compared with. */
export function dcsConfig(context: Context): Record<string, unknown> {
  const { cluster } = context;
  const { patroni, postgres } = cluster.settings;
  const members = hostsWith(cluster, 'patroni');
  const able = members.map((host) => capabilities(context.facts(host)));
  const times = cluster.timing.patroni;
  const synchronous = cluster.replication === 'async' ? false : cluster.replication === 'quorum' ? 'quorum' : true;
  return {
    ttl: times.ttl,
    loop_wait: times.loop_wait,
    retry_timeout: times.retry_timeout,
    primary_start_timeout: times.primary_start_timeout,
    maximum_lag_on_failover: patroni.maximum_lag_on_failover,
    // A copy has it too, where Patroni leaves it alone until the copy is promoted.
    synchronous_mode: synchronous,
    synchronous_mode_strict: patroni.synchronous_mode_strict,
    synchronous_node_count: cluster.synchronousNodes,
    ...(cluster.source ? { standby_cluster: copyOf(cluster, cluster.source) } : {}),
    slots: Object.fromEntries(
      Object.keys(cluster.settings.standbys).map((name) => [standbySlot(name), { type: 'physical' }]),
    ),
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
        ...hotStandbySettings(cluster.settings),
        max_replication_slots: postgres.parameters.max_replication_slots ?? senders(cluster.settings),
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
