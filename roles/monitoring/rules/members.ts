import { HOUR_S, IDLE_S, MINUTE_S, SWITCHOVER_S, TRANSACTION_S } from '../../../src/bounds/alerts.ts';
import { hostsWith } from '../../../src/inventory/model.ts';
import { type AlertRule, ON_HOST, type RuleContext } from './rule.ts';

/** The share of PostgreSQL's connections from which on they may run out within minutes. */
const CONNECTIONS_SHARE = 0.85;
/** Transactions since the oldest freeze; autovacuum begins at 2e8, and PostgreSQL stops at 2.1e9 (PostgreSQL, "Routine Vacuuming"). */
const WRAPAROUND = 1e9;

/** Members and their leader. */
export function memberRules({ cluster, m, twoLooks }: RuleContext): AlertRule[] {
  const leads = cluster.upstream ? 'patroni_standby_leader' : 'patroni_primary';
  const sessions = (state: string) =>
    `max by (cluster, host, datname, usename) (${m('pg_stat_activity_max_tx_duration', `state=~"${state}",backend_type="client backend"`)})`;
  const one = hostsWith(cluster, 'patroni').length === 1;
  return [
    {
      alert: 'PostgresDown',
      expr: `${m('patroni_postgres_running')} == 0 or ${m('pg_up')} == 0`,
      for: MINUTE_S,
      severity: 'critical',
      planned: true,
      summary: 'PostgreSQL on {{ $labels.host }} does not run',
      run: 'hapg status',
    },
    {
      alert: 'NoLeader',
      expr: `max by (cluster) (${m(leads)}) < 1 or absent(${m(leads)})`,
      for: SWITCHOVER_S + twoLooks,
      severity: 'critical',
      ...(one && { planned: true as const }),
      summary: 'no member of {{ $labels.cluster }} leads: nobody can write',
      run: 'hapg status',
    },
    {
      alert: 'TwoLeaders',
      expr: `sum by (cluster) (${m('patroni_primary')}) > 1 or sum by (cluster) (1 - ${m('pg_replication_is_replica')}) > 1`,
      for: twoLooks,
      severity: 'critical',
      summary: 'two members of {{ $labels.cluster }} take writes',
      run: 'hapg status',
    },
    {
      alert: 'FailsafeActive',
      expr: `max by (cluster) (${m('patroni_failsafe_mode_is_active')}) == 1`,
      for: 0,
      severity: 'critical',
      summary: `the leader of {{ $labels.cluster }} goes on without ${cluster.dcs.label}: one more loss stops writes`,
      run: 'hapg status',
    },
    {
      alert: 'DcsNotSeen',
      expr: `time() - ${m('patroni_dcs_last_seen')} > 60`,
      for: 30,
      severity: 'critical',
      planned: true,
      summary: `the member {{ $labels.host }} does not reach ${cluster.dcs.label}`,
      run: 'hapg doctor',
    },
    {
      alert: 'ClusterPaused',
      expr: `max by (cluster) (${m('patroni_is_paused')}) == 1`,
      for: 15 * MINUTE_S,
      severity: 'warning',
      summary: '{{ $labels.cluster }} is paused: there is no failover',
      run: 'hapg resume',
    },
    {
      alert: 'PendingRestart',
      expr: `${m('patroni_pending_restart')} == 1`,
      for: HOUR_S,
      severity: 'info',
      summary: 'settings of {{ $labels.host }} wait for a restart of PostgreSQL',
      run: 'hapg plan',
    },
    {
      alert: 'LeaderChanged',
      expr: `max by (cluster) (${m('patroni_postgres_timeline')}) > max by (cluster) (${m('patroni_postgres_timeline')} offset 5m)`,
      for: 0,
      severity: 'info',
      summary: '{{ $labels.cluster }} has had another leader, or a restart of it, within the last five minutes',
      run: 'hapg history',
    },
    {
      alert: 'ConnectionsNearLimit',
      expr: `sum by (cluster, host) (${m('pg_stat_activity_count')}) / ${ON_HOST} (${m('pg_settings_max_connections')} - ${m('pg_settings_superuser_reserved_connections')}) > ${CONNECTIONS_SHARE}`,
      for: 5 * MINUTE_S,
      severity: 'warning',
      summary: 'PostgreSQL on {{ $labels.host }} has {{ $value | humanizePercentage }} of its connections in use',
      run: 'hapg status',
    },
    {
      alert: 'TransactionTooLong',
      expr: `${sessions('active|idle in transaction.*')} > ${TRANSACTION_S}`,
      for: MINUTE_S,
      severity: 'warning',
      summary:
        'a transaction of {{ $labels.usename }} in {{ $labels.datname }} on {{ $labels.host }} is open for {{ $value | humanizeDuration }}',
      run: 'hapg psql',
    },
    {
      alert: 'IdleInTransaction',
      expr: `${sessions('idle in transaction.*')} > ${IDLE_S}`,
      for: MINUTE_S,
      severity: 'warning',
      summary:
        'a session of {{ $labels.usename }} in {{ $labels.datname }} on {{ $labels.host }} does nothing in an open transaction',
      run: 'hapg psql',
    },
    {
      alert: 'WraparoundNear',
      expr: `max by (cluster, datname) (${m('pg_database_wraparound_age_datfrozenxid_seconds')}) > ${WRAPAROUND}`,
      for: 10 * MINUTE_S,
      severity: 'critical',
      summary:
        'the database {{ $labels.datname }} of {{ $labels.cluster }} is not vacuumed: PostgreSQL will stop taking writes',
      run: 'hapg psql',
    },
  ];
}
