import { type Board, CLUSTER } from '../board.ts';
import { gauge, stateTimeline, timeseries } from '../panel.ts';
import { maybe, ofCluster, perSecond, query } from '../query.ts';
import { over, trouble } from '../thresholds.ts';

/** The proxies that clients connect to, and the reads of the leader; pages for operators and Prometheus are left out. */
const ofProxies = (metric: string, ...more: readonly string[]): string =>
  ofCluster(metric, 'proxy!~"stats|metrics"', ...more);

/** One number for the state of a server, which HAProxy gives as one series for each state: 0 is down. */
const SERVER_STATE = ['UP', 'DRAIN', 'NOLB', 'MAINT']
  .map(
    (state, index) =>
      `${index + 1} * sum by (host, proxy, server) (${ofProxies('haproxy_server_status', `state="${state}"`)})`,
  )
  .join(' + ');

/** Sums a counter of HAProxy's servers, a second. */
const ofServers = (name: string): string =>
  `sum by (host, proxy, server) (${perSecond(ofProxies(`haproxy_server_${name}`))})`;

/** The global addresses of hosts with HAProxy; the virtual one is among those of exactly one of them. */
const ADDRESSES =
  `max by (cluster, host, address) (${ofCluster('node_network_address_info', 'scope="global"', 'device!="lo"')})` +
  ` and on (cluster, host) ${ofCluster('haproxy_process_max_connections')}`;

const pool = (name: string): string =>
  `sum by (host, database) (${ofCluster(`pgbouncer_pools_${name}`, 'database!="pgbouncer"')})`;

/** The ways of clients to the members: HAProxy, the virtual address, PgBouncer. */
export const balancers: Board = {
  uid: 'hapg-balancers',
  title: 'PostgreSQL: balancers and pools',
  about:
    'The ways of clients: servers of each balancer, the virtual address, pools. What a cluster does not have stays empty.',
  variables: [CLUSTER],
  sections: [
    {
      title: 'Balancers',
      panels: [
        stateTimeline({
          title: 'Servers of each balancer',
          about:
            'Which members each proxy sends clients to. Worry when a balancer has no server or two in "primary", or when two balancers differ.',
          width: 16,
          height: 14,
          meanings: {
            0: { text: 'down', color: 'gray' },
            1: { text: 'up', color: 'green' },
            2: { text: 'drain', color: 'orange' },
            3: { text: 'no new clients', color: 'orange' },
            4: { text: 'maintenance', color: 'purple' },
          },
          queries: [query(SERVER_STATE, '{{host}} {{proxy}}: {{server}}')],
        }),
        stateTimeline({
          title: 'Addresses of the balancers',
          about: 'Which balancer has which address. Worry when the virtual address is on none of them, or on two.',
          height: 14,
          width: 8,
          meanings: { 1: { text: 'here', color: 'blue' } },
          queries: [query(ADDRESSES, '{{address}} on {{host}}')],
        }),
        timeseries({
          title: 'Servers that are up',
          about: 'Servers that each proxy can use. Worry when "primary" has other than 1, or "replica" has 0.',
          min: 0,
          decimals: 0,
          queries: [
            query(`max by (host, proxy) (${ofProxies('haproxy_backend_active_servers')})`, '{{host}} {{proxy}}'),
          ],
        }),
        timeseries({
          title: 'Sessions',
          about:
            'Sessions of clients through each proxy. Worry when they go to a balancer that has not the virtual address.',
          min: 0,
          queries: [
            query(`sum by (host, proxy) (${ofProxies('haproxy_backend_current_sessions')})`, '{{host}} {{proxy}}'),
          ],
        }),
        timeseries({
          title: 'Queue',
          about: 'Clients that wait for a server. Worry when it stays above 0: the members take no more sessions.',
          min: 0,
          thresholds: over({ worry: 1 }),
          queries: [
            query(`sum by (host, proxy) (${ofProxies('haproxy_backend_current_queue')})`, '{{host}} {{proxy}}'),
          ],
        }),
        timeseries({
          title: 'Failed connections and retries',
          about:
            'Connections to a member that failed, and those that were tried again. Worry when they go on after a failover.',
          unit: 'ops',
          min: 0,
          queries: [
            query(ofServers('connection_errors_total'), '{{host}} {{proxy}}: {{server}} failed'),
            query(ofServers('retry_warnings_total'), '{{host}} {{proxy}}: {{server}} tried again'),
          ],
        }),
        timeseries({
          title: 'Duration of checks',
          about: "Time of the last check of each member's Patroni. Worry when it nears the time between two checks.",
          unit: 's',
          min: 0,
          queries: [
            query(
              `max by (host, server) (${ofProxies('haproxy_server_check_duration_seconds')})`,
              '{{host}}: {{server}}',
            ),
          ],
        }),
        gauge({
          title: 'Connections against the limit',
          about: 'The part of its connections that a balancer uses. Worry above 80 %: at its end new clients wait.',
          width: 8,
          height: 8,
          unit: 'percentunit',
          max: 1,
          thresholds: over({ worry: 0.6, bad: 0.8 }),
          queries: [
            query(
              `max by (host) (${ofCluster('haproxy_process_current_connections')} / ${ofCluster('haproxy_process_max_connections')})`,
              '{{host}}',
            ),
          ],
        }),
      ],
    },
    {
      title: 'Pools',
      panels: [
        timeseries({
          title: 'Clients',
          about:
            'Clients that have a session of the server, and those that wait for one. Worry when some wait for long.',
          stacked: true,
          min: 0,
          queries: [
            maybe(pool('client_active_connections'), '{{host}} {{database}}: active'),
            maybe(pool('client_waiting_connections'), '{{host}} {{database}}: wait'),
          ],
        }),
        timeseries({
          title: 'Longest wait',
          about:
            'How long the first client in the queue has waited. Worry above 5 s: the pool is too small, or the server is stuck.',
          unit: 's',
          min: 0,
          thresholds: over({ bad: 5 }),
          queries: [
            maybe(
              `max by (host, database) (${ofCluster('pgbouncer_pools_client_maxwait_seconds', 'database!="pgbouncer"')})`,
              '{{host}} {{database}}',
            ),
          ],
        }),
        timeseries({
          title: 'Sessions of the server',
          about: 'Sessions that pools have open, by what they do. Worry when all are active and clients wait.',
          stacked: true,
          min: 0,
          queries: ['active', 'idle', 'login'].map((how) =>
            maybe(pool(`server_${how}_connections`), `{{host}} {{database}}: ${how}`),
          ),
        }),
        stateTimeline({
          title: 'Paused',
          about: 'Whether a pool holds its clients back. Worry when it stays: a hold that nobody has undone.',
          width: 24,
          height: 6,
          meanings: trouble('paused'),
          queries: [
            maybe(
              `max by (host, database) (${ofCluster('pgbouncer_databases_paused', 'database!="pgbouncer"')})`,
              '{{host}} {{database}}',
            ),
          ],
        }),
      ],
    },
  ],
};
