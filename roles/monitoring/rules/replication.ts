import { MINUTE_S, REPLAY_S } from '../../../src/bounds/alerts.ts';
import { commitsWait, hostsWith } from '../../../src/inventory/model.ts';
import { type AlertRule, ON_HOST, type RuleContext } from './rule.ts';

/** Lag of a replica that somebody should look at (bytes, s). */
const LAG_BYTES = 64 * 1024 * 1024;
/** WAL that a slot may still need before it is given up (bytes). */
const SLOT_BYTES = 1024 ** 3;

/** What follows the leader, and the WAL that waits for it. */
export function replicationRules({ cluster, m }: RuleContext): AlertRule[] {
  const replicas = hostsWith(cluster, 'patroni').length - 1;
  const follows: AlertRule[] = [
    {
      alert: 'TimelineBehind',
      expr: `(${m('patroni_postgres_timeline')} > 0) < on (cluster) group_left () max by (cluster) (${m('patroni_postgres_timeline')})`,
      for: 5 * MINUTE_S,
      severity: 'critical',
      planned: true,
      summary: '{{ $labels.host }} is on an older timeline than the leader and does not follow it',
      run: 'hapg status',
    },
    {
      alert: 'ReplicaNotStreaming',
      expr: `${m('patroni_replica')} == 1 unless ${ON_HOST} ${m('patroni_postgres_streaming')} == 1`,
      for: 2 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: 'the replica {{ $labels.host }} gets no WAL from its leader',
      run: 'hapg status',
    },
    {
      alert: 'ReplicasMissing',
      expr: `(count by (cluster) (${m('patroni_postgres_streaming')} == 1 and ${ON_HOST} ${m('patroni_replica')} == 1) or max by (cluster) (${m('patroni_postgres_running')}) * 0) < ${replicas}`,
      for: 5 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: `{{ $value }} of ${replicas} replicas of {{ $labels.cluster }} stream`,
      run: 'hapg status',
    },
    {
      alert: 'ReplicaLagsBytes',
      expr: `max by (cluster) (${m('patroni_xlog_location')}) - on (cluster) group_right () (${m('patroni_xlog_replayed_location')} > 0) > ${LAG_BYTES}`,
      for: 2 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: '{{ $labels.host }} is {{ $value | humanize1024 }}B behind the leader',
      run: 'hapg status',
    },
    {
      alert: 'ReplicaLagsSeconds',
      expr: `${m('pg_replication_lag_seconds')} > ${REPLAY_S}`,
      for: 2 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: '{{ $labels.host }} replays what was written {{ $value | humanizeDuration }} ago',
      run: 'hapg status',
    },
    {
      alert: 'ReplayPaused',
      expr: `${m('patroni_xlog_paused')} == 1`,
      for: 5 * MINUTE_S,
      severity: 'warning',
      summary: 'somebody has paused the replay on {{ $labels.host }}',
      run: 'hapg psql --host {{ $labels.host }} -c "select pg_wal_replay_resume()"',
    },
    {
      alert: 'SlotInactive',
      // Patroni keeps inactive slots of members on replicas too, by design.
      expr: `${m('pg_replication_slot_slot_is_active')} == 0 and ${ON_HOST} ${m('pg_replication_is_replica')} == 0`,
      for: 10 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: 'nobody reads the slot {{ $labels.slot_name }} on {{ $labels.host }}: WAL is kept for it',
      run: 'hapg status',
    },
  ];
  return [
    ...(replicas > 0 ? follows : []),
    ...(commitsWait(cluster)
      ? [
          {
            alert: 'SyncStandbyMissing',
            expr: `max by (cluster) (${m('patroni_sync_standby')} + ${m('patroni_quorum_standby')}) == 0`,
            for: MINUTE_S,
            severity: 'critical' as const,
            planned: true as const,
            summary:
              'commits of {{ $labels.cluster }} wait for nobody: an acknowledged row may be lost with the leader',
            run: 'hapg status',
          },
        ]
      : []),
    {
      alert: 'SlotLosesWal',
      expr: `${m('pg_replication_slot_wal_status', 'wal_status=~"unreserved|lost"')} == 1 or ${m('pg_replication_slot_safe_wal_size_bytes')} < ${SLOT_BYTES}`,
      for: 0,
      severity: 'critical',
      summary: 'the slot {{ $labels.slot_name }} on {{ $labels.host }} loses the WAL that its reader needs',
      run: 'hapg status',
    },
    {
      alert: 'WalPilesUp',
      expr: `${m('pg_wal_size_bytes')} > ${ON_HOST} 2 * ${m('pg_settings_max_wal_size_bytes')}`,
      for: 10 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: 'pg_wal of {{ $labels.host }} has {{ $value | humanize1024 }}B: the archive or a slot holds it',
      run: 'hapg status',
    },
  ];
}
