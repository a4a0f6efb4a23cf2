import { ARCHIVE_S, BACKUP_S, DAY_S, DRILL_S, FULL_BACKUP_S, MINUTE_S } from '../../../src/bounds/alerts.ts';
import { backupHosts, drillHost } from '../../../src/inventory/model.ts';
import { type AlertRule, ON_HOST, type RuleContext } from './rule.ts';
import { longestGapDays } from './schedule.ts';

/** The archive, the backups, and the proof that they can be restored. */
export function backupRules({ cluster, m }: RuleContext): AlertRule[] {
  if (backupHosts(cluster).length === 0) return [];
  const { schedule, drill } = cluster.settings.pgbackrest;
  const all = [schedule.full, schedule.diff, schedule.incr].filter((one) => one !== undefined);
  const gap = longestGapDays(all);
  const fullGap = schedule.full === undefined ? undefined : longestGapDays([schedule.full]);
  const drillGap = drill.schedule === undefined ? undefined : longestGapDays([drill.schedule]);
  const age = (type: string) =>
    `min by (cluster, stanza) (${m('pgbackrest_backup_since_last_completion_seconds', type)})`;
  return [
    {
      alert: 'ArchiveFailing',
      expr: `increase(${m('pg_stat_archiver_failed_count')}[10m]) > 0 and increase(${m('pg_stat_archiver_archived_count')}[10m]) == 0`,
      for: 5 * MINUTE_S,
      severity: 'critical',
      summary: '{{ $labels.host }} cannot archive its WAL: a restore ends before it',
      run: 'hapg status',
    },
    {
      alert: 'ArchiveLate',
      expr: `${m('pg_stat_archiver_last_archive_age')} > ${ARCHIVE_S} and ${ON_HOST} ${m('pg_replication_is_replica')} == 0 and ${ON_HOST} ${m('pg_wal_segments')} > 3`,
      for: 5 * MINUTE_S,
      severity: 'warning',
      summary: '{{ $labels.host }} has archived nothing for {{ $value | humanizeDuration }}',
      run: 'hapg status',
    },
    ...(gap === undefined
      ? []
      : [
          {
            alert: 'BackupTooOld',
            expr: `${age('')} > ${gap * DAY_S + BACKUP_S}`,
            for: 10 * MINUTE_S,
            severity: 'critical' as const,
            summary: 'the newest backup of {{ $labels.stanza }} is {{ $value | humanizeDuration }} old',
            run: 'hapg backups',
          },
        ]),
    ...(fullGap === undefined
      ? []
      : [
          {
            alert: 'FullBackupTooOld',
            expr: `${age('backup_type="full"')} > ${fullGap * DAY_S + FULL_BACKUP_S}`,
            for: 10 * MINUTE_S,
            severity: 'warning' as const,
            summary: 'the newest full backup of {{ $labels.stanza }} is {{ $value | humanizeDuration }} old',
            run: 'hapg backups',
          },
        ]),
    {
      alert: 'RepositoryBad',
      expr: `${m('pgbackrest_stanza_status')} != 0 or ${m('pgbackrest_repo_status')} != 0 or ${m('pgbackrest_exporter_status')} == 0`,
      for: 10 * MINUTE_S,
      severity: 'critical',
      summary: 'a repository of {{ $labels.cluster }} is not as it should be, as {{ $labels.host }} sees it',
      run: 'hapg backups',
    },
    {
      alert: 'BackupHasPageErrors',
      expr: `${m('pgbackrest_backup_last_error_status')} == 1`,
      for: 0,
      severity: 'critical',
      summary: 'the last {{ $labels.backup_type }} backup of {{ $labels.stanza }} has found damaged pages',
      run: 'hapg logs pgbackrest-full',
    },
    ...(drillHost(cluster)
      ? [
          {
            alert: 'RestoreDrillLate',
            expr: `time() - max by (cluster) (${m('hapg_drill_restore_last_success_seconds')}) > ${drillGap === undefined ? DRILL_S : drillGap * DAY_S + FULL_BACKUP_S}`,
            for: 0,
            severity: 'warning' as const,
            summary: 'nobody has proven for {{ $value | humanizeDuration }} that {{ $labels.cluster }} can be restored',
            run: 'hapg drill restore',
          },
        ]
      : []),
  ];
}
