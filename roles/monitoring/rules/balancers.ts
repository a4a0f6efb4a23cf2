import { MINUTE_S, POOL_S } from '../../../src/bounds/alerts.ts';
import { hostsWith, isPooled } from '../../../src/inventory/model.ts';
import type { AlertRule, RuleContext } from './rule.ts';

/** The share of HAProxy's connections from which on clients may be refused soon. */
const BALANCER_SHARE = 0.8;

function poolRules({ m }: RuleContext): AlertRule[] {
  return [
    {
      alert: 'PoolWaits',
      expr: `${m('pgbouncer_pools_client_maxwait_seconds')} > ${POOL_S}`,
      for: MINUTE_S,
      severity: 'warning',
      summary:
        'clients of {{ $labels.database }} wait {{ $value | humanizeDuration }} for a connection on {{ $labels.host }}',
      run: 'hapg status',
    },
    {
      alert: 'PoolPaused',
      expr: `${m('pgbouncer_databases_paused')} == 1`,
      for: 30,
      severity: 'critical',
      planned: true,
      summary: 'the pool of {{ $labels.name }} on {{ $labels.host }} is paused: its clients wait',
      run: 'hapg repair',
    },
  ];
}

function haproxyRules({ cluster, m, twoLooks }: RuleContext): AlertRule[] {
  const replicas = hostsWith(cluster, 'patroni').length - 1;
  const active = (proxy: string) => m('haproxy_backend_active_servers', `proxy="${proxy}"`);
  return [
    {
      alert: 'BalancerWithoutLeader',
      expr: `${active('primary')} == 0`,
      for: 2 * twoLooks,
      severity: 'critical',
      summary: 'the balancer {{ $labels.host }} knows no leader: nobody can write through it',
      run: 'hapg status',
    },
    {
      alert: 'BalancerWithTwoLeaders',
      expr: `${active('primary')} > 1`,
      for: twoLooks,
      severity: 'critical',
      summary: 'the balancer {{ $labels.host }} sends writes to two members',
      run: 'hapg status',
    },
    {
      alert: 'BalancersDisagree',
      expr: `count by (cluster) (count by (cluster, server) (${m('haproxy_server_status', 'proxy="primary",state="UP"')} == 1)) > 1`,
      for: MINUTE_S,
      severity: 'critical',
      summary: 'the balancers of {{ $labels.cluster }} send writes to different members',
      run: 'hapg status',
    },
    ...(replicas > 0
      ? [
          {
            alert: 'BalancerWithoutReplicas',
            expr: `${active('replica')} == 0`,
            for: 2 * MINUTE_S,
            severity: 'warning' as const,
            planned: true as const,
            summary: 'the balancer {{ $labels.host }} has no replica for reads: they go to the leader',
            run: 'hapg status',
          },
        ]
      : []),
    {
      alert: 'BalancerNearLimit',
      expr: `${m('haproxy_process_current_connections')} / ${m('haproxy_process_max_connections')} > ${BALANCER_SHARE}`,
      for: 2 * MINUTE_S,
      severity: 'warning',
      summary: 'the balancer {{ $labels.host }} has {{ $value | humanizePercentage }} of its connections in use',
      run: 'hapg status',
    },
  ];
}

/** The way of clients to the database: pools, balancers, the virtual address. */
export function balancerRules(context: RuleContext): AlertRule[] {
  const { cluster, m, twoLooks } = context;
  const held = cluster.vip && m('node_network_address_info', `address="${cluster.vip.address}"`);
  return [
    ...(isPooled(cluster) ? poolRules(context) : []),
    // The balancers of a standby cluster know no leader until it is promoted.
    ...(hostsWith(cluster, 'haproxy').length > 0 && !cluster.upstream ? haproxyRules(context) : []),
    ...(held && hostsWith(cluster, 'keepalived').length > 0
      ? [
          {
            alert: 'VipNotHeldOnce',
            expr: `sum by (cluster) (${held}) != 1 or absent(${held})`,
            for: twoLooks,
            severity: 'critical' as const,
            summary: `the virtual address ${cluster.vip!.address} of {{ $labels.cluster }} is not on exactly one host`,
            run: 'hapg status',
          },
        ]
      : []),
  ];
}
