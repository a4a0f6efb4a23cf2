/**
 * Settings that Patroni keeps the same on all members, most of them on PostgreSQL's command line, each with the least
 * value that it accepts (base units); below that it uses a value of its own. They count in the dynamic configuration
 * only: Patroni drops them from a member's own file (Patroni 3.0.2 to 4.1.4, `CMDLINE_OPTIONS` in postgresql/config.py
 * and `_process_postgresql_parameters` in config.py).
 */
export const COMMAND_LINE: Readonly<Record<string, { least?: number }>> = {
  listen_addresses: {},
  port: {},
  cluster_name: {},
  wal_level: {},
  hot_standby: {},
  max_connections: { least: 25 },
  max_wal_senders: { least: 3 },
  wal_keep_size: { least: 16 },
  max_prepared_transactions: { least: 0 },
  max_locks_per_transaction: { least: 32 },
  track_commit_timestamp: {},
  max_replication_slots: { least: 4 },
  max_worker_processes: { least: 2 },
  wal_log_hints: {},
};

/** Recovery settings, which Patroni writes for a standby and omits for a leader (its list `recovery_parameters`). */
export const RECOVERY: ReadonlySet<string> = new Set([
  'archive_cleanup_command',
  'primary_conninfo',
  'primary_slot_name',
  'promote_trigger_file',
  'recovery_end_command',
  'recovery_min_apply_delay',
  'recovery_target',
  'recovery_target_action',
  'recovery_target_inclusive',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_timeline',
  'recovery_target_xid',
  'restore_command',
]);

/**
 * Settings that Patroni omits from postgresql.conf, with the major versions concerned: neither its own list (4.1.4,
 * available_parameters/0_postgres.yml) nor `postgres --describe-config` has them (validator.py,
 * `_transform_parameter_value`).
 */
export const LEFT_OUT: Readonly<Record<string, readonly number[]>> = {
  composite_type_mismatch: [15, 16, 17, 18],
  debug_logical_replication_streaming: [16],
  restrict_nonsystem_relation_kind: [15],
};
