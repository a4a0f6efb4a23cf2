import { stringify } from 'yaml';
import { alertRules } from '../../roles/monitoring/rules/index.ts';
import { type Cluster, dcsHosts, hostsWith } from '../../src/inventory/model.ts';

/** Series by selector, each with values in promtool's notation, one every 15 s. */
type Series = Readonly<Record<string, string>>;

/** A state of the cluster, and what must fire in it at a time. */
interface Case {
  name: string;
  /** Series that differ from the healthy ones; an empty value takes one away. */
  set: Series;
  /** The time of judgement, as a length of time since the beginning. */
  at: string;
  fires: readonly string[];
}

const INTERVAL_S = 15;
/** How many values a series has: eight days would be too many, so slow alerts are judged by what they count. */
const LENGTH = 720;

/** One value so many times more; then([0, 4]) alone would be a hexadecimal number. */
const steady = (value: number, times: number): string => `${value}+0x${times}`;
/** The same value for the whole time. */
const always = (value: number): string => steady(value, LENGTH);
/** One value for some minutes, another one from then on. */
const from = (minutes: number, before: number, after: number): string =>
  `${steady(before, minutes * 4)} ${steady(after, LENGTH)}`;
/** Values with how often each comes again. */
const then = (...parts: [value: number, times: number][]): string => parts.map((one) => steady(...one)).join(' ');
/** A counter or clock that rises by so much every 15 s. */
const rising = (start: number, step: number): string => `${start}${step < 0 ? '' : '+'}${step}x${LENGTH}`;

/** The series of a healthy cluster, in promtool's notation. */
function healthy(cluster: Cluster): Record<string, string> {
  const all: Record<string, string> = {};
  const on = (host: string, metric: string, value: string, more = '') => {
    all[`${metric}{cluster="${cluster.name}",host="${host}"${more}}`] = value;
  };
  const members = hostsWith(cluster, 'patroni').map(({ name }) => name);
  for (const { name: host, roles } of cluster.hosts) {
    on(host, 'up', always(1), ',job="node"');
    on(host, 'hapg_facts_written_seconds', rising(0, INTERVAL_S));
    on(host, 'hapg_certificate_not_after_seconds', always(300 * 86_400), ',name="/etc/patroni/pki/server.crt"');
    on(host, 'hapg_reboot_required', always(0));
    on(host, 'node_timex_sync_status', always(1));
    on(host, 'node_timex_offset_seconds', always(0.001));
    on(host, 'node_vmstat_oom_kill', always(0));
    on(host, 'node_filesystem_avail_bytes', always(50e9), ',mountpoint="/",fstype="ext4"');
    on(host, 'node_filesystem_size_bytes', always(100e9), ',mountpoint="/",fstype="ext4"');
    on(host, 'node_systemd_unit_state', always(1), ',name="patroni.service",state="active"');
    on(host, 'node_systemd_unit_state', always(0), ',name="patroni.service",state="failed"');
    if (roles.has('haproxy')) {
      on(host, 'up', always(1), ',job="haproxy"');
      on(host, 'haproxy_backend_active_servers', always(1), ',proxy="primary"');
      on(host, 'haproxy_backend_active_servers', always(2), ',proxy="replica"');
      on(host, 'haproxy_process_current_connections', always(10));
      on(host, 'haproxy_process_max_connections', always(2000));
      for (const [index, server] of members.entries())
        on(
          host,
          'haproxy_server_status',
          always(index === 0 ? 1 : 0),
          `,proxy="primary",state="UP",server="${server}"`,
        );
    }
  }
  const vip = cluster.vip?.address;
  const holder = hostsWith(cluster, 'keepalived')[0]?.name;
  if (vip && holder) on(holder, 'node_network_address_info', always(1), `,address="${vip}"`);
  for (const { name: host } of dcsHosts(cluster)) {
    on(host, 'up', always(1), ',job="etcd"');
    on(host, 'etcd_server_has_leader', always(1));
    on(host, 'etcd_server_leader_changes_seen_total', always(1));
    on(host, 'etcd_mvcc_db_total_size_in_bytes', always(1e6));
    on(host, 'etcd_server_quota_backend_bytes', always(2e9));
    for (const [le, step] of [
      ['0.01', 10],
      ['0.5', 10],
      ['+Inf', 10],
    ] as const)
      on(host, 'etcd_disk_wal_fsync_duration_seconds_bucket', rising(0, step), `,le="${le}"`);
  }
  for (const [index, host] of members.entries()) {
    const leads = index === 0;
    const flags = {
      postgres_running: 1,
      primary: leads ? 1 : 0,
      replica: leads ? 0 : 1,
      sync_standby: index === 1 ? 1 : 0,
      quorum_standby: 0,
      standby_leader: 0,
      postgres_streaming: leads ? 0 : 1,
      failsafe_mode_is_active: 0,
      is_paused: 0,
      pending_restart: 0,
      xlog_paused: 0,
      postgres_timeline: 3,
    };
    for (const [name, value] of Object.entries(flags)) on(host, `patroni_${name}`, always(value));
    on(host, 'patroni_dcs_last_seen', rising(0, INTERVAL_S));
    on(host, 'patroni_xlog_location', leads ? rising(1e9, 1e6) : always(0));
    on(host, 'patroni_xlog_replayed_location', leads ? always(0) : rising(1e9, 1e6));
    on(host, 'hapg_checksum_failures', always(0), ',datname="app"');
    for (const job of ['patroni', 'postgres']) on(host, 'up', always(1), `,job="${job}"`);
    on(host, 'pg_up', always(1));
    on(host, 'pg_replication_is_replica', always(leads ? 0 : 1));
    on(host, 'pg_replication_lag_seconds', always(0));
    on(host, 'pg_stat_activity_count', always(20), ',datname="app",state="idle"');
    on(host, 'pg_settings_max_connections', always(100));
    on(host, 'pg_settings_superuser_reserved_connections', always(3));
    const session = ',datname="app",usename="app",backend_type="client backend"';
    on(host, 'pg_stat_activity_max_tx_duration', always(1), `${session},state="active"`);
    on(host, 'pg_stat_activity_max_tx_duration', always(0), `${session},state="idle in transaction"`);
    on(host, 'pg_database_wraparound_age_datfrozenxid_seconds', always(1e8), ',datname="app"');
    on(host, 'pg_replication_slot_slot_is_active', always(leads ? 1 : 0), ',slot_name="db2"');
    on(host, 'pg_replication_slot_wal_status', always(1), ',slot_name="db2",wal_status="reserved"');
    on(host, 'pg_replication_slot_wal_status', always(0), ',slot_name="db2",wal_status="lost"');
    on(host, 'pg_replication_slot_safe_wal_size_bytes', always(5e9), ',slot_name="db2"');
    on(host, 'pg_wal_size_bytes', always(5e8));
    on(host, 'pg_wal_segments', always(30));
    on(host, 'pg_settings_max_wal_size_bytes', always(1e9));
    on(host, 'pg_stat_archiver_failed_count', always(0));
    on(host, 'pg_stat_archiver_archived_count', rising(0, 1));
    on(host, 'pg_stat_archiver_last_archive_age', leads ? always(20) : '');
  }
  const store = hostsWith(cluster, 'pgbackrest')[0]?.name ?? members[0]!;
  const stanza = `,stanza="${cluster.stanza}"`;
  on(store, 'up', always(1), ',job="pgbackrest"');
  on(store, 'pgbackrest_exporter_status', always(1));
  on(store, 'pgbackrest_stanza_status', always(0), stanza);
  on(store, 'pgbackrest_repo_status', always(0), `${stanza},repo_key="1"`);
  for (const type of ['full', 'diff', 'incr']) {
    on(store, 'pgbackrest_backup_since_last_completion_seconds', always(3600), `${stanza},backup_type="${type}"`);
    on(store, 'pgbackrest_backup_last_error_status', always(0), `${stanza},backup_type="${type}"`);
  }
  on(store, 'hapg_drill_restore_last_success_seconds', always(0));
  return all;
}

/** Returns one case that fires for every alert of the lab's monitored inventory, and states in which nothing must fire. */
function casesOf(cluster: Cluster): Case[] {
  const at = (host: string, metric: string, more = '') => `${metric}{cluster="${cluster.name}",host="${host}"${more}}`;
  const members = hostsWith(cluster, 'patroni').map(({ name }) => name);
  const [leader, standby, last] = members as [string, string, string];
  const [balancer, other] = hostsWith(cluster, 'haproxy').map(({ name }) => name) as [string, string];
  const store = hostsWith(cluster, 'pgbackrest')[0]!.name;
  const each = (hosts: readonly string[], metric: string, value: string, more = ''): Series =>
    Object.fromEntries(hosts.map((host) => [at(host, metric, more), value]));
  const vip = cluster.vip!.address;
  const stanza = `,stanza="${cluster.stanza}"`;
  const one = (alert: string, set: Series, when = '30m', ...more: string[]): Case => ({
    name: alert,
    set,
    at: when,
    fires: [alert, ...more],
  });
  const session = ',datname="app",usename="app",backend_type="client backend"';
  /** The scrapes of a member whose PostgreSQL is started anew while another one takes over, ten minutes in. */
  const handsOver = (before: number, after: number) => then([before, 40], [0, 1], [after, LENGTH]);
  return [
    { name: 'a healthy cluster', set: {}, at: '1h', fires: [] },
    ...['10m15s', '10m30s', '10m45s', '11m', '12m'].map(
      (when): Case => ({
        name: `a switchover, looked at after ${when}`,
        at: when,
        fires: ['LeaderChanged'],
        set: {
          [at(leader, 'patroni_primary')]: then([1, 41], [0, LENGTH]),
          [at(leader, 'patroni_replica')]: then([0, 41], [1, LENGTH]),
          [at(leader, 'patroni_postgres_running')]: handsOver(1, 1),
          [at(leader, 'patroni_postgres_streaming')]: then([0, 42], [1, LENGTH]),
          [at(leader, 'pg_replication_is_replica')]: then([0, 41], [1, LENGTH]),
          [at(leader, 'patroni_postgres_timeline')]: handsOver(3, 4),
          [at(leader, 'pg_up')]: handsOver(1, 1),
          [at(leader, 'up', ',job="postgres"')]: handsOver(1, 1),
          [at(standby, 'patroni_primary')]: then([0, 40], [1, LENGTH]),
          [at(standby, 'patroni_replica')]: then([1, 40], [0, LENGTH]),
          [at(standby, 'patroni_sync_standby')]: then([1, 40], [0, LENGTH]),
          [at(standby, 'patroni_postgres_streaming')]: then([1, 40], [0, LENGTH]),
          [at(standby, 'pg_replication_is_replica')]: then([1, 40], [0, LENGTH]),
          [at(standby, 'patroni_postgres_timeline')]: then([3, 40], [4, LENGTH]),
          [at(last, 'patroni_postgres_timeline')]: then([3, 42], [4, LENGTH]),
          [at(last, 'patroni_sync_standby')]: then([0, 42], [1, LENGTH]),
          ...each(
            [balancer, other],
            'haproxy_backend_active_servers',
            then([1, 40], [0, 1], [1, LENGTH]),
            ',proxy="primary"',
          ),
        },
      }),
    ),
    one('PostgresDown', { [at(last, 'pg_up')]: always(0) }),
    one('NoLeader', { [at(leader, 'patroni_primary')]: always(0) }),
    one('TwoLeaders', { [at(last, 'patroni_primary')]: always(1) }),
    one('FailsafeActive', { [at(leader, 'patroni_failsafe_mode_is_active')]: always(1) }),
    one('DcsNotSeen', { [at(last, 'patroni_dcs_last_seen')]: always(0) }),
    one('ClusterPaused', each(members, 'patroni_is_paused', always(1))),
    one('PendingRestart', { [at(last, 'patroni_pending_restart')]: always(1) }, '2h'),
    one('LeaderChanged', each(members, 'patroni_postgres_timeline', from(10, 3, 4)), '12m'),
    one('ConnectionsNearLimit', { [at(leader, 'pg_stat_activity_count', ',datname="app",state="idle"')]: always(90) }),
    one('TransactionTooLong', {
      [at(leader, 'pg_stat_activity_max_tx_duration', `${session},state="active"`)]: always(4000),
    }),
    one('IdleInTransaction', {
      [at(leader, 'pg_stat_activity_max_tx_duration', `${session},state="idle in transaction"`)]: always(700),
    }),
    one('WraparoundNear', {
      [at(leader, 'pg_database_wraparound_age_datfrozenxid_seconds', ',datname="app"')]: always(1.2e9),
    }),
    one('TimelineBehind', { [at(last, 'patroni_postgres_timeline')]: always(2) }),
    one('ReplicaNotStreaming', { [at(last, 'patroni_postgres_streaming')]: always(0) }, '4m'),
    one('ReplicasMissing', each([last], 'patroni_postgres_streaming', always(0)), '30m', 'ReplicaNotStreaming'),
    {
      name: 'ReplicasMissing, none at all',
      set: each([standby, last], 'patroni_postgres_streaming', always(0)),
      at: '30m',
      fires: ['ReplicaNotStreaming', 'ReplicasMissing'],
    },
    one('ReplicaLagsBytes', { [at(last, 'patroni_xlog_replayed_location')]: always(9e8) }),
    one('ReplicaLagsSeconds', { [at(last, 'pg_replication_lag_seconds')]: always(45) }),
    one('ReplayPaused', { [at(last, 'patroni_xlog_paused')]: always(1) }),
    one('SlotInactive', { [at(leader, 'pg_replication_slot_slot_is_active', ',slot_name="db2"')]: always(0) }),
    one('SyncStandbyMissing', { [at(standby, 'patroni_sync_standby')]: always(0) }),
    one('SlotLosesWal', {
      [at(leader, 'pg_replication_slot_wal_status', ',slot_name="db2",wal_status="lost"')]: always(1),
    }),
    one('WalPilesUp', { [at(leader, 'pg_wal_size_bytes')]: always(3e9) }),
    one('ArchiveFailing', {
      [at(leader, 'pg_stat_archiver_failed_count')]: rising(0, 1),
      [at(leader, 'pg_stat_archiver_archived_count')]: always(100),
    }),
    one('ArchiveLate', { [at(leader, 'pg_stat_archiver_last_archive_age')]: always(2000) }),
    one(
      'BackupTooOld',
      Object.fromEntries(
        ['full', 'diff', 'incr'].map((type) => [
          at(store, 'pgbackrest_backup_since_last_completion_seconds', `${stanza},backup_type="${type}"`),
          always(3e6),
        ]),
      ),
      '30m',
      'FullBackupTooOld',
    ),
    one('FullBackupTooOld', {
      [at(store, 'pgbackrest_backup_since_last_completion_seconds', `${stanza},backup_type="full"`)]: always(3e6),
    }),
    one('RepositoryBad', { [at(store, 'pgbackrest_repo_status', `${stanza},repo_key="1"`)]: always(1) }),
    one('BackupHasPageErrors', {
      [at(store, 'pgbackrest_backup_last_error_status', `${stanza},backup_type="full"`)]: always(1),
    }),
    one('RestoreDrillLate', { [at(store, 'hapg_drill_restore_last_success_seconds')]: always(-3e7) }),
    one(
      'BalancerWithoutLeader',
      { [at(balancer, 'haproxy_backend_active_servers', ',proxy="primary"')]: always(0) },
      '10m',
    ),
    one('BalancerWithTwoLeaders', {
      [at(balancer, 'haproxy_backend_active_servers', ',proxy="primary"')]: always(2),
    }),
    one('BalancersDisagree', {
      [at(balancer, 'haproxy_server_status', `,proxy="primary",state="UP",server="${leader}"`)]: always(0),
      [at(balancer, 'haproxy_server_status', `,proxy="primary",state="UP",server="${last}"`)]: always(1),
    }),
    one('BalancerWithoutReplicas', {
      [at(balancer, 'haproxy_backend_active_servers', ',proxy="replica"')]: always(0),
    }),
    one('BalancerNearLimit', { [at(balancer, 'haproxy_process_current_connections')]: always(1900) }),
    one('VipNotHeldOnce', { [at(other, 'node_network_address_info', `,address="${vip}"`)]: always(1) }),
    {
      name: 'VipNotHeldOnce, by nobody',
      set: { [at(hostsWith(cluster, 'keepalived')[0]!.name, 'node_network_address_info', `,address="${vip}"`)]: '' },
      at: '5m',
      fires: ['VipNotHeldOnce'],
    },
    one('DcsQuorumAtRisk', { [at(last, 'up', ',job="etcd"')]: always(0) }, '30m', 'ExporterDown'),
    one('EtcdNoLeader', { [at(last, 'etcd_server_has_leader')]: always(0) }),
    one('EtcdElections', { [at(last, 'etcd_server_leader_changes_seen_total')]: rising(0, 0.1) }, '1h'),
    one('EtcdSlowDisk', {
      [at(last, 'etcd_disk_wal_fsync_duration_seconds_bucket', ',le="0.01"')]: always(0),
    }),
    one('EtcdNearQuota', { [at(last, 'etcd_mvcc_db_total_size_in_bytes')]: always(1.9e9) }),
    one('HostDown', { [at(balancer, 'up', ',job="node"')]: always(0) }),
    one('ExporterDown', { [at(last, 'up', ',job="postgres"')]: always(0) }),
    one('UnitFailed', { [at(last, 'node_systemd_unit_state', ',name="patroni.service",state="failed"')]: always(1) }),
    one('UnitNotActive', {
      [at(last, 'node_systemd_unit_state', ',name="patroni.service",state="active"')]: always(0),
    }),
    one('DiskNearlyFull', {
      [at(last, 'node_filesystem_avail_bytes', ',mountpoint="/",fstype="ext4"')]: always(5e9),
    }),
    one(
      'DiskFillsSoon',
      { [at(last, 'node_filesystem_avail_bytes', ',mountpoint="/",fstype="ext4"')]: rising(38e9, -1e7) },
      '1h',
    ),
    one('OomKill', { [at(last, 'node_vmstat_oom_kill')]: from(25, 0, 1) }),
    one('ClockNotSynchronised', { [at(last, 'node_timex_sync_status')]: always(0) }),
    one('CertificateExpires', {
      [at(last, 'hapg_certificate_not_after_seconds', ',name="/etc/patroni/pki/server.crt"')]: always(86_400),
    }),
    one('FactsNotWritten', { [at(last, 'hapg_facts_written_seconds')]: always(0) }),
    one('ChecksumFailures', { [at(last, 'hapg_checksum_failures', ',datname="app"')]: from(25, 0, 2) }),
    one('UndoLeft', { [at(last, 'hapg_mark', ',kind="undo"')]: always(1) }, '2h'),
  ];
}

/** Alerts that last longer than a case is: they are judged by their expression alone. */
const SLOW = ['RebootRequired', 'HeldForLong'];

/** Returns the input of `promtool test rules` for a monitored cluster with the shape of the lab, and the file of its rules. */
export function promtoolTests(cluster: Cluster, rulesFile: string): string {
  const cases = casesOf(cluster);
  const tried = new Set(cases.flatMap(({ fires }) => fires));
  const untried = Object.values(alertRules(cluster))
    .flat()
    .map(({ alert }) => alert)
    .filter((alert) => alert !== 'Watchdog' && !SLOW.includes(alert) && !tried.has(alert));
  if (untried.length > 0) throw new Error(`no case fires ${untried.join(', ')}`);
  return stringify(
    {
      rule_files: [rulesFile],
      evaluation_interval: `${INTERVAL_S}s`,
      tests: cases.map(({ name, set, at, fires }) => ({
        name,
        interval: `${INTERVAL_S}s`,
        input_series: Object.entries({ ...healthy(cluster), ...set })
          .filter(([, values]) => values !== '')
          .map(([series, values]) => ({ series, values })),
        promql_expr_test: [
          {
            expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
            eval_time: at,
            exp_samples: [...new Set([...fires, 'Watchdog'])].map((alertname) => ({
              labels: `{alertname="${alertname}"}`,
              value: 1,
            })),
          },
        ],
      })),
    },
    { lineWidth: 0 },
  );
}
