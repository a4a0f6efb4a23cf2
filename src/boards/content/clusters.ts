import { type Board, CLUSTERS } from '../board.ts';
import { stat, table, timeseries } from '../panel.ts';
import { lagBytes, maybe, ofClusters, query, walPerSecond } from '../query.ts';
import { NEUTRAL, over, trouble } from '../thresholds.ts';
import { FIRING } from './firing.ts';

const MIB = 2 ** 20;
const DAY = 24 * 60 * 60;

const leader = (metric: string): string => `${ofClusters(metric)} == 1`;
const greatest = (metric: string): string => `max by (cluster) (${ofClusters(metric)})`;

/** All clusters of one Prometheus, a row for each. */
export const clusters: Board = {
  uid: 'hapg-clusters',
  title: 'PostgreSQL: clusters',
  about: 'All clusters: who leads, who follows, what fires.',
  variables: [CLUSTERS],
  sections: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Clusters',
          about: 'Clusters whose members answer Prometheus. Worry when one that should be there is not counted.',
          queries: [query(`count(count by (cluster) (${ofClusters('patroni_postgres_running')}))`, 'clusters')],
        }),
        stat({
          title: 'Without a leader',
          about:
            'Clusters in which no member leads: no writes are possible. Worry when it stays above 0 for longer than a failover takes.',
          thresholds: over({ bad: 1 }),
          queries: [
            query(
              `count(${greatest('patroni_primary')} < 1 and ${greatest('patroni_standby_leader')} < 1) or vector(0)`,
              'without a leader',
            ),
          ],
        }),
        stat({
          title: 'With two leaders',
          about: 'Clusters in which two members say that they lead. Worry at once: fence one of them.',
          thresholds: over({ bad: 1 }),
          queries: [
            query(`count(sum by (cluster) (${ofClusters('patroni_primary')}) > 1) or vector(0)`, 'with two leaders'),
          ],
        }),
        stat({
          title: 'Members that do not run',
          about: 'Members whose Patroni answers and whose PostgreSQL is down. Worry when it stays above 0.',
          thresholds: over({ worry: 1 }),
          queries: [
            query(`count(${ofClusters('patroni_postgres_running')} == 0) or vector(0)`, 'members that do not run'),
          ],
        }),
        stat({
          title: 'Firing alerts',
          about: 'Alerts that want a person. Each has a page about what to do in the documentation of hapg.',
          thresholds: over({ bad: 1 }),
          queries: [query(`count(${ofClusters('ALERTS', ...FIRING)}) or vector(0)`, 'firing alerts')],
        }),
        stat({
          title: 'Hosts that do not answer',
          about:
            'Hosts whose node exporter Prometheus cannot reach. Worry when it stays above 0: the host or its network.',
          thresholds: over({ bad: 1 }),
          queries: [query(`count(${ofClusters('up', 'job="node"')} == 0) or vector(0)`, 'hosts that do not answer')],
        }),
      ],
    },
    {
      title: 'Every cluster',
      panels: [
        table({
          title: 'Clusters',
          about:
            'A row for each cluster; two rows for one cluster mean two leaders. Worry about red figures. The name opens its board.',
          labels: { cluster: 'Cluster', leader: 'Leader' },
          opens: { uid: 'hapg-cluster', variable: 'cluster' },
          columns: [
            {
              query: query(
                `max by (cluster, leader) (label_replace(${leader('patroni_primary')} or ${leader('patroni_standby_leader')}, "leader", "$1", "host", "(.*)"))`,
                'Leads',
              ),
              hidden: true,
            },
            {
              query: query(`sum by (cluster) (${ofClusters('patroni_postgres_running')})`, 'Members'),
              thresholds: NEUTRAL,
            },
            { query: query(greatest('patroni_postgres_timeline'), 'Timeline') },
            {
              query: query(
                `sum by (cluster) (${ofClusters('patroni_sync_standby')} + ${ofClusters('patroni_quorum_standby')})`,
                'Synchronous standbys',
              ),
            },
            {
              query: query(`max by (cluster) (${lagBytes(ofClusters)})`, 'Greatest lag'),
              unit: 'bytes',
              thresholds: over({ worry: 16 * MIB, bad: 64 * MIB }),
            },
            {
              query: query(
                `count by (cluster) (${ofClusters('ALERTS', ...FIRING)}) or 0 * ${greatest('patroni_postgres_running')}`,
                'Firing alerts',
              ),
              thresholds: over({ bad: 1 }),
            },
            {
              query: maybe(
                `min by (cluster) (${ofClusters('pgbackrest_backup_since_last_completion_seconds')})`,
                'Age of the last backup',
              ),
              unit: 's',
              thresholds: over({ worry: 1.25 * DAY, bad: 2 * DAY }),
            },
            { query: query(greatest('patroni_is_paused'), 'Paused'), meanings: trouble('paused', 'no', 'orange') },
            { query: query(greatest('patroni_failsafe_mode_is_active'), 'Failsafe'), meanings: trouble('active') },
          ],
        }),
        timeseries({
          title: 'Greatest lag',
          about:
            'WAL that the slowest member of each cluster has yet to replay. Worry when it grows and does not fall again.',
          width: 12,
          unit: 'bytes',
          min: 0,
          queries: [query(`max by (cluster) (${lagBytes(ofClusters)})`, '{{cluster}}')],
        }),
        timeseries({
          title: 'WAL written',
          about:
            'WAL that each cluster writes: how much it works. Worry when it stops while applications should write.',
          width: 12,
          unit: 'binBps',
          min: 0,
          queries: [query(walPerSecond(ofClusters), '{{cluster}}')],
        }),
      ],
    },
  ],
};
