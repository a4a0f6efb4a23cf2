import { MINUTE_S } from '../../../src/bounds/alerts.ts';
import { dcsHosts, dcsRole } from '../../../src/inventory/model.ts';
import type { AlertRule, RuleContext } from './rule.ts';

/** Elections an hour that speak for a slow disk or network. */
const ELECTIONS = 3;
/** The share of the election time-out that a write to etcd's log may take before members lose sight of their leader. */
const FSYNC_SHARE = 0.1;
/** The share of etcd's quota from which on it should be made larger. */
const QUOTA_SHARE = 0.8;

/** The DCS on hosts of the inventory; of an external one nothing is known here. */
export function dcsRules({ cluster, m }: RuleContext): AlertRule[] {
  const role = dcsRole(cluster);
  const { length } = dcsHosts(cluster);
  if (role === undefined) return [];
  const up = m('up', `job="${role}"`);
  const quorum = Math.floor(length / 2) + 1;
  const atRisk: AlertRule[] =
    length > 2
      ? [
          {
            alert: 'DcsQuorumAtRisk',
            expr: `sum by (cluster) (${up}) < ${quorum + 1}`,
            for: MINUTE_S,
            severity: 'warning',
            planned: true,
            summary: `{{ $value }} of ${length} members of ${cluster.dcs.label} run: one more loss ends its quorum`,
            run: 'hapg repair',
          },
        ]
      : [];
  return [...atRisk, ...(role === 'etcd' ? etcdRules({ cluster, m }) : [])];
}

function etcdRules({ cluster, m }: Pick<RuleContext, 'cluster' | 'm'>): AlertRule[] {
  const slow = (cluster.timing.etcd.election / 1000) * FSYNC_SHARE;
  return [
    {
      alert: 'EtcdNoLeader',
      expr: `${m('etcd_server_has_leader')} == 0`,
      for: 30,
      severity: 'critical',
      summary: 'etcd on {{ $labels.host }} has no leader',
      run: 'hapg repair',
    },
    {
      alert: 'EtcdElections',
      expr: `increase(${m('etcd_server_leader_changes_seen_total')}[1h]) > ${ELECTIONS}`,
      for: 0,
      severity: 'warning',
      planned: true,
      summary: 'etcd on {{ $labels.host }} has seen {{ $value }} elections within an hour: a slow disk or network',
      run: 'hapg doctor',
    },
    {
      alert: 'EtcdSlowDisk',
      expr: `histogram_quantile(0.99, sum by (cluster, host, le) (rate(${m('etcd_disk_wal_fsync_duration_seconds_bucket')}[5m]))) > ${slow}`,
      for: 10 * MINUTE_S,
      severity: 'warning',
      planned: true,
      summary: 'the disk of etcd on {{ $labels.host }} takes {{ $value | humanizeDuration }} for a write',
      run: 'hapg doctor',
    },
    {
      alert: 'EtcdNearQuota',
      expr: `${m('etcd_mvcc_db_total_size_in_bytes')} / ${m('etcd_server_quota_backend_bytes')} > ${QUOTA_SHARE}`,
      for: 10 * MINUTE_S,
      severity: 'critical',
      summary:
        'etcd on {{ $labels.host }} has {{ $value | humanizePercentage }} of its quota in use; at its end there is no failover',
      run: 'hapg config edit --set etcd.quota_bytes',
    },
  ];
}
