import { capabilities } from '../../src/cluster/versions.ts';
import { type Cluster, hostsWith } from '../../src/inventory/model.ts';
import { hotStandbySettings, senders, standbySlot } from '../../src/inventory/standby.ts';
import type { Context } from '../../src/playbook.ts';
import { COMMAND_LINE } from '../../src/postgres/patroni-options.ts';
import { written } from '../../src/postgres/written.ts';

/**
 * Returns the section that follows an upstream cluster: its leader is found among all members, and keeps WAL in a slot
 * (Patroni documentation, "Standby cluster").
 */
const standbyClusterSection = ({ name }: Cluster, upstream: Cluster) => ({
  host: hostsWith(upstream, 'patroni')
    .map((host) => host.address)
    .join(','),
  port: upstream.settings.postgres.port,
  primary_slot_name: standbySlot(name),
  create_replica_methods: ['basebackup'],
});

/**
 * Returns PostgreSQL settings that all members share: those that Patroni takes from here only, and those of WAL, which
 * every leader must keep and archive in the same way.
 */
export function sharedParameters({ settings, repositories }: Cluster): Record<string, string | number | boolean> {
  const { postgres } = settings;
  const said = (name: string, otherwise: string | number) =>
    written(Number(postgres.version), name, postgres.parameters[name] ?? otherwise);
  return {
    wal_level: said('wal_level', 'replica'),
    hot_standby: 'on',
    wal_log_hints: 'on',
    ...hotStandbySettings(settings),
    max_replication_slots: said('max_replication_slots', senders(settings)),
    track_commit_timestamp: said('track_commit_timestamp', 'off'),
    // A replica that stays away must not fill the leader's disk.
    max_slot_wal_keep_size: said('max_slot_wal_keep_size', '16GB'),
    ...(repositories.length > 0 ? { archive_mode: 'on', archive_timeout: said('archive_timeout', '60s') } : {}),
    ...Object.fromEntries(
      Object.entries(postgres.parameters)
        .filter(([name]) => name in COMMAND_LINE)
        .map(([name, value]) => [name, written(Number(postgres.version), name, value)]),
    ),
  };
}

/** Returns the declared dynamic configuration of the cluster, with which `PATCH /config` is compared. */
export function dcsConfig(context: Pick<Context, 'cluster' | 'facts'>): Record<string, unknown> {
  const { cluster } = context;
  const { patroni } = cluster.settings;
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
    // A standby cluster has it too; Patroni ignores it there until the promotion.
    synchronous_mode: synchronous,
    synchronous_mode_strict: patroni.synchronous_mode_strict,
    synchronous_node_count: cluster.synchronousNodes,
    ...(cluster.upstream ? { standby_cluster: standbyClusterSection(cluster, cluster.upstream) } : {}),
    slots: Object.fromEntries(
      Object.keys(cluster.settings.standbys).map((name) => [standbySlot(name), { type: 'physical' }]),
    ),
    ...(able.every((one) => one.failsafeMode) ? { failsafe_mode: true } : {}),
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      remove_data_directory_on_rewind_failure: false,
      remove_data_directory_on_diverged_timelines: false,
      parameters: sharedParameters(cluster),
    },
  };
}
