import { CERTIFICATE_S, CLOCK_S, DAY_S, FACTS_S, HOUR_S, MINUTE_S } from '../../../src/bounds/alerts.ts';
import { hostsWith } from '../../../src/inventory/model.ts';
import { SERVICES } from '../../../src/roles.ts';
import { type AlertRule, ON_HOST, type RuleContext } from './rule.ts';

/** Free room of a file system below which it is about to be full. */
const FREE_SHARE = 0.1;
/** Free room below which the pace at which it fills counts. */
const FILLING_SHARE = 0.4;
/** File systems that hold nothing of ours. */
const REAL = 'fstype!~"tmpfs|ramfs|overlay|squashfs|fuse.*|iso9660"';

/** The hosts themselves, and what hapg knows of them. */
export function hostRules({ cluster, m }: RuleContext): AlertRule[] {
  const room = `${m('node_filesystem_avail_bytes', REAL)} / ${m('node_filesystem_size_bytes', REAL)}`;
  const services = `name=~"(${SERVICES.join('|')}).service"`;
  const watched = cluster.settings.patroni.watchdog === 'required';
  return [
    {
      alert: 'HostDown',
      expr: `${m('up', 'job="node"')} == 0`,
      for: MINUTE_S,
      severity: 'critical',
      planned: true,
      summary: '{{ $labels.host }} does not answer',
      run: 'hapg ping',
    },
    {
      alert: 'ExporterDown',
      expr: `${m('up', 'job!~"node|prometheus|alertmanager"')} == 0 and ${ON_HOST} ${m('up', 'job="node"')} == 1`,
      for: 2 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: 'the figures of {{ $labels.job }} on {{ $labels.host }} cannot be read',
      run: 'hapg apply',
    },
    {
      alert: 'UnitFailed',
      expr: `${m('node_systemd_unit_state', 'state="failed"')} == 1`,
      for: 5 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: '{{ $labels.name }} on {{ $labels.host }} has failed',
      run: 'hapg logs',
    },
    {
      alert: 'UnitNotActive',
      expr: `${m('node_systemd_unit_state', `${services},state="active"`)} == 0`,
      for: 2 * MINUTE_S,
      severity: 'critical',
      planned: true,
      summary: '{{ $labels.name }} on {{ $labels.host }} does not run',
      run: 'hapg plan',
    },
    {
      alert: 'DiskNearlyFull',
      expr: `${room} < ${FREE_SHARE}`,
      for: 5 * MINUTE_S,
      severity: 'critical',
      summary: '{{ $labels.mountpoint }} on {{ $labels.host }} has {{ $value | humanizePercentage }} of its room left',
      run: 'hapg kept list',
    },
    {
      alert: 'DiskFillsSoon',
      expr: `predict_linear(${m('node_filesystem_avail_bytes', REAL)}[6h], ${DAY_S}) < 0 and ${room} < ${FILLING_SHARE}`,
      for: 30 * MINUTE_S,
      severity: 'warning',
      summary: '{{ $labels.mountpoint }} on {{ $labels.host }} will be full within a day',
      run: 'hapg status',
    },
    {
      alert: 'OomKill',
      expr: `increase(${m('node_vmstat_oom_kill')}[10m]) > 0`,
      for: 0,
      severity: 'critical',
      summary: 'the kernel of {{ $labels.host }} has killed a process for want of memory',
      run: 'hapg logs --grep "Out of memory"',
    },
    {
      alert: 'ClockNotSynchronised',
      expr: `${m('node_timex_sync_status')} == 0 or abs(${m('node_timex_offset_seconds')}) > ${CLOCK_S}`,
      for: 10 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: 'nothing keeps the clock of {{ $labels.host }}',
      run: 'hapg doctor',
    },
    {
      alert: 'CertificateExpires',
      expr: `min by (cluster, host, name) (${m('hapg_certificate_not_after_seconds')}) - time() < ${CERTIFICATE_S}`,
      for: 0,
      severity: 'warning',
      summary: 'the certificate {{ $labels.name }} on {{ $labels.host }} ends in {{ $value | humanizeDuration }}',
      run: 'hapg apply',
    },
    {
      alert: 'FactsNotWritten',
      expr: `time() - ${m('hapg_facts_written_seconds')} > ${FACTS_S}`,
      for: 0,
      severity: 'warning',
      planned: true,
      summary: 'what hapg knows of {{ $labels.host }} was not written for {{ $value | humanizeDuration }}',
      run: 'hapg apply',
    },
    {
      alert: 'RebootRequired',
      expr: `${m('hapg_reboot_required')} == 1`,
      for: 7 * DAY_S,
      severity: 'info',
      summary: '{{ $labels.host }} has waited for a reboot for a week',
      run: 'hapg update',
    },
    {
      alert: 'HeldForLong',
      expr: `${m('hapg_mark', 'kind!="undo"')} == 1`,
      for: DAY_S,
      severity: 'warning',
      summary: '{{ $labels.host }} is held ({{ $labels.kind }}) for a day',
      run: 'hapg status',
    },
    {
      alert: 'UndoLeft',
      expr: `${m('hapg_mark', 'kind="undo"')} == 1`,
      for: HOUR_S,
      severity: 'warning',
      planned: true,
      summary: 'something temporary is set on {{ $labels.host }} for an hour',
      run: 'hapg status',
    },
    ...(hostsWith(cluster, 'patroni').length > 0
      ? [
          {
            alert: 'ChecksumFailures',
            expr: `increase(${m('hapg_checksum_failures')}[1h]) > 0`,
            for: 0,
            severity: 'critical' as const,
            summary: 'PostgreSQL on {{ $labels.host }} has read damaged pages of {{ $labels.datname }}',
            run: 'hapg reinit {{ $labels.host }}',
          },
        ]
      : []),
    ...(watched
      ? [
          {
            alert: 'WatchdogNotOpen',
            expr: `${m('hapg_watchdog_open')} == 0 and ${ON_HOST} ${m('patroni_primary')} == 1`,
            for: 5 * MINUTE_S,
            severity: 'critical' as const,
            summary:
              'Patroni on the leader {{ $labels.host }} does not hold the watchdog: a hang of it would go unnoticed',
            run: 'hapg plan',
          },
        ]
      : []),
    {
      alert: 'Watchdog',
      expr: 'vector(1)',
      for: 0,
      severity: 'info',
      summary: `alerts of ${cluster.name} are on their way: this one always is, so that its absence tells`,
      run: 'hapg status',
    },
  ];
}
