/** Who gives a metric: the job of Prometheus, or Prometheus itself. */
export type Giver =
  | 'prometheus'
  | 'node'
  | 'hapg'
  | 'postgres'
  | 'patroni'
  | 'pgbouncer'
  | 'haproxy'
  | 'etcd'
  | 'zookeeper'
  | 'pgbackrest';

const named = (prefix: string, names: string): string[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => `${prefix}${name}`);

/**
 * The metrics that boards and rules may name, by who gives them, as the versions of Debian 13 call them. Scraped from running
 * services, or read in their sources at that version; node exporter's are its well-known ones. hapg's own facts come through
 * the node exporter.
 */
export const KNOWN_METRICS: Readonly<Record<Giver, readonly string[]>> = {
  prometheus: ['up', 'ALERTS'],
  hapg: named(
    'hapg_',
    `certificate_not_after_seconds drill_restore_last_success_seconds mark reboot_required watchdog_open checksum_failures
    facts_written_seconds`,
  ),
  patroni: named(
    'patroni_',
    `postgres_running postmaster_start_time primary standby_leader replica sync_standby quorum_standby xlog_location
    xlog_received_location xlog_replayed_location xlog_replayed_timestamp xlog_paused postgres_streaming
    postgres_in_archive_recovery postgres_server_version cluster_unlocked failsafe_mode_is_active postgres_timeline
    dcs_last_seen pending_restart is_paused version`,
  ),
  postgres: named(
    'pg_',
    `up replication_is_replica replication_lag_seconds replication_last_replay_seconds stat_replication_pg_wal_lsn_diff
    replication_slot_slot_is_active replication_slot_safe_wal_size_bytes replication_slot_wal_status
    replication_slot_slot_current_wal_lsn replication_slots_active replication_slots_pg_wal_lsn_diff wal_segments
    wal_size_bytes stat_archiver_archived_count stat_archiver_failed_count stat_archiver_last_archive_age
    stat_activity_count stat_activity_max_tx_duration stat_activity_autovacuum_timestamp_seconds database_size_bytes
    database_wraparound_age_datfrozenxid_seconds postmaster_start_time_seconds locks_count
    stat_database_xact_commit stat_database_xact_rollback stat_database_blks_hit stat_database_blks_read
    stat_database_tup_returned stat_database_tup_fetched stat_database_tup_inserted stat_database_tup_updated
    stat_database_tup_deleted stat_database_conflicts stat_database_temp_bytes stat_database_deadlocks
    stat_checkpointer_num_timed_total stat_checkpointer_num_requested_total stat_checkpointer_restartpoints_done_total
    stat_checkpointer_buffers_written_total stat_wal_receiver_latest_end_lsn stat_wal_receiver_last_msg_receipt_time
    settings_max_connections settings_superuser_reserved_connections settings_max_wal_size_bytes`,
  ),
  pgbouncer: named(
    'pgbouncer_',
    `up databases_paused databases_disabled databases_current_connections databases_max_connections databases_pool_size
    pools_client_active_connections pools_client_waiting_connections pools_client_maxwait_seconds
    pools_server_active_connections pools_server_idle_connections pools_server_used_connections
    pools_server_login_connections config_max_client_connections`,
  ),
  pgbackrest: named(
    'pgbackrest_',
    `stanza_status stanza_lock_status repo_status exporter_status wal_archive_status backup_info
    backup_since_last_completion_seconds backup_last_error_status backup_last_duration_seconds backup_last_size_bytes
    backup_last_repo_delta_bytes backup_repo_delta_bytes`,
  ),
  haproxy: named(
    'haproxy_',
    `backend_status backend_active_servers backend_current_queue backend_current_sessions server_status
    server_check_status server_check_duration_seconds server_connection_errors_total server_retry_warnings_total
    process_current_connections process_max_connections`,
  ),
  etcd: named(
    'etcd_',
    `server_has_leader server_is_leader server_leader_changes_seen_total server_proposals_pending
    server_proposals_failed_total server_quota_backend_bytes mvcc_db_total_size_in_bytes
    mvcc_db_total_size_in_use_in_bytes disk_wal_fsync_duration_seconds_bucket disk_backend_commit_duration_seconds_bucket
    network_peer_round_trip_time_seconds_bucket`,
  ),
  zookeeper: named(
    'zookeeper_',
    'uptime quorum_size synced_followers outstanding_requests avg_latency num_alive_connections znode_count',
  ),
  node: named(
    'node_',
    `boot_time_seconds cpu_seconds_total load5 memory_MemAvailable_bytes memory_MemTotal_bytes vmstat_oom_kill
    vmstat_pswpin pressure_cpu_waiting_seconds_total pressure_memory_waiting_seconds_total
    pressure_io_waiting_seconds_total filesystem_avail_bytes filesystem_size_bytes disk_read_time_seconds_total
    disk_write_time_seconds_total disk_reads_completed_total disk_writes_completed_total disk_io_time_seconds_total
    network_receive_bytes_total network_transmit_bytes_total network_receive_errs_total network_transmit_errs_total
    network_receive_drop_total network_transmit_drop_total netstat_Tcp_RetransSegs netstat_Tcp_OutSegs
    systemd_unit_state timex_offset_seconds timex_sync_status network_address_info`,
  ),
};

/** Returns who gives a metric; undefined for one that nobody is known to give. */
export const giverOf = (metric: string): Giver | undefined =>
  (Object.keys(KNOWN_METRICS) as Giver[]).find((giver) => KNOWN_METRICS[giver].includes(metric));
