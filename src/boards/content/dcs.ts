import { type Board, CLUSTER } from '../board.ts';
import { gauge, stat, stateTimeline, timeseries } from '../panel.ts';
import { ofCluster, perSecond, query, worstOfHundred } from '../query.ts';
import { health, over } from '../thresholds.ts';

/** Selects a figure of ZooKeeper, by the name that hapg's script gives it. */
const ofZooKeeper = (metric: string): string => ofCluster(`zookeeper_${metric}`, 'job="zookeeper"');

/** The members of the DCS: etcd, or ZooKeeper in a cluster that has that. */
export const dcs: Board = {
  uid: 'hapg-dcs',
  title: 'PostgreSQL: DCS',
  about: 'The members of etcd or ZooKeeper, which hold the key of the leader. One of the two headings stays empty.',
  variables: [CLUSTER],
  sections: [
    {
      title: 'etcd',
      panels: [
        stateTimeline({
          title: 'Has a leader',
          width: 8,
          about:
            'Whether a member knows the leader of etcd. Worry when most of them do not: there is no quorum, and no failover.',
          meanings: health('yes', 'no'),
          queries: [query(`min by (host) (${ofCluster('etcd_server_has_leader')})`, '{{host}}')],
        }),
        stateTimeline({
          title: 'Leads',
          width: 8,
          about: 'Which member leads etcd. Worry when it changes often: a slow disk or network.',
          meanings: { 0: { text: 'follows', color: 'gray' }, 1: { text: 'leads', color: 'blue' } },
          queries: [query(`max by (host) (${ofCluster('etcd_server_is_leader')})`, '{{host}}')],
        }),
        gauge({
          title: 'Database against its quota',
          about:
            'The part of the quota that is used. Worry above 80 %: at its end etcd takes no writes, and there is no failover.',
          width: 8,
          height: 8,
          unit: 'percentunit',
          max: 1,
          thresholds: over({ worry: 0.6, bad: 0.8 }),
          queries: [
            query(
              `max by (host) (${ofCluster('etcd_mvcc_db_total_size_in_bytes')} / ${ofCluster('etcd_server_quota_backend_bytes')})`,
              '{{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'Elections',
          about: 'Changes of the leader of etcd that a member has seen in an hour. Worry above 3.',
          min: 0,
          decimals: 0,
          thresholds: over({ worry: 3 }),
          queries: [
            query(`max by (host) (increase(${ofCluster('etcd_server_leader_changes_seen_total')}[1h]))`, '{{host}}'),
          ],
        }),
        timeseries({
          title: 'Writes to the log, 99 of 100',
          about: 'Time of an fsync of etcd. Worry above a quarter of a second: elections are near.',
          unit: 's',
          min: 0,
          thresholds: over({ bad: 0.25 }),
          queries: [query(worstOfHundred(ofCluster('etcd_disk_wal_fsync_duration_seconds_bucket')), '{{host}}')],
        }),
        timeseries({
          title: 'Commits to the database, 99 of 100',
          about: 'Time of a commit to the database of etcd. Worry above a quarter of a second.',
          unit: 's',
          min: 0,
          thresholds: over({ bad: 0.25 }),
          queries: [query(worstOfHundred(ofCluster('etcd_disk_backend_commit_duration_seconds_bucket')), '{{host}}')],
        }),
        timeseries({
          title: 'Round trip between members, 99 of 100',
          about: 'Time from member to member. Worry when it nears the heartbeat interval of etcd.',
          unit: 's',
          min: 0,
          queries: [query(worstOfHundred(ofCluster('etcd_network_peer_round_trip_time_seconds_bucket')), '{{host}}')],
        }),
        timeseries({
          title: 'Proposals',
          about:
            'Changes that wait or have failed. Worry when pending ones stay or failed ones rise: no quorum, or too slow.',
          min: 0,
          queries: [
            query(`max by (host) (${ofCluster('etcd_server_proposals_pending')})`, '{{host}}: pending'),
            query(
              `max by (host) (${perSecond(ofCluster('etcd_server_proposals_failed_total'))})`,
              '{{host}}: failed a second',
            ),
          ],
        }),
        timeseries({
          title: 'Size of the database',
          about: 'Bytes on disk. Worry when it grows: hapg compacts it, so something else writes there.',
          unit: 'bytes',
          min: 0,
          queries: [query(`max by (host) (${ofCluster('etcd_mvcc_db_total_size_in_bytes')})`, '{{host}}')],
        }),
      ],
    },
    {
      title: 'ZooKeeper',
      panels: [
        stat({
          title: 'Members that answer',
          height: 8,
          about:
            'Members of ZooKeeper that serve. Worry when it is less than the ensemble: one more loss may lose the quorum.',
          queries: [query(`count(${ofZooKeeper('uptime')})`, 'members that answer')],
        }),
        stat({
          title: 'Size of the ensemble',
          height: 8,
          about: 'Members that vote, as they themselves count.',
          queries: [query(`max(${ofZooKeeper('quorum_size')})`, 'ensemble')],
        }),
        timeseries({
          title: 'Followers in step',
          about:
            'Followers that are in step with the leader, as it counts them. Worry when it is less than the ensemble without the leader.',
          min: 0,
          decimals: 0,
          queries: [query(`max by (host) (${ofZooKeeper('synced_followers')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Requests that wait',
          about: 'Requests that are queued. Worry when they stay above 10: Patroni waits as well.',
          min: 0,
          thresholds: over({ worry: 10 }),
          queries: [query(`max by (host) (${ofZooKeeper('outstanding_requests')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Latency',
          about: 'Average time of a request, in milliseconds. Worry when it nears a second.',
          min: 0,
          queries: [query(`max by (host) (${ofZooKeeper('avg_latency')})`, '{{host}} (ms)')],
        }),
        timeseries({
          title: 'Sessions',
          about: 'Connections of clients: Patroni on every member. Worry when it is far above the number of members.',
          min: 0,
          queries: [query(`max by (host) (${ofZooKeeper('num_alive_connections')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Nodes',
          about: 'Entries in the tree. Worry when their number grows without end.',
          min: 0,
          queries: [query(`max by (host) (${ofZooKeeper('znode_count')})`, '{{host}}')],
        }),
      ],
    },
  ],
};
