import { type Board, CLUSTER, DATABASE_HOSTS } from '../board.ts';
import { stateTimeline, timeseries } from '../panel.ts';
import { lagBytes, maybe, ofCluster, ofHosts, onLeader, perSecond, query } from '../query.ts';
import { health, over, trouble } from '../thresholds.ts';

const MIB = 2 ** 20;

/** WAL that receivers get. A rewound member begins further back, which is no counter that began anew: the slope is taken. */
const RECEIVED = `clamp_min(deriv(${ofHosts('pg_stat_wal_receiver_latest_end_lsn')}[5m]), 0)`;

/** How replicas follow their leader. */
export const replication: Board = {
  uid: 'hapg-replication',
  title: 'PostgreSQL: replication',
  about: 'How replicas follow: lag, receivers, slots, synchronous standbys.',
  variables: [CLUSTER, DATABASE_HOSTS],
  sections: [
    {
      title: 'Lag',
      panels: [
        timeseries({
          title: 'Lag in bytes',
          about: 'WAL that a member has yet to replay. Worry when it grows and does not fall again.',
          unit: 'bytes',
          min: 0,
          thresholds: over({ bad: 64 * MIB }),
          queries: [query(lagBytes(ofCluster, ofHosts), '{{host}}')],
        }),
        timeseries({
          title: 'Lag in seconds',
          about:
            'Age of the newest replayed transaction; 0 when all is replayed. Worry when reads of replicas become too old.',
          unit: 's',
          min: 0,
          thresholds: over({ bad: 30 }),
          queries: [query(`max by (host) (${ofHosts('pg_replication_lag_seconds')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Replay of received WAL',
          about:
            'WAL that a replica has received and not replayed. Worry when it is most of the lag: replay is slow, or a query holds it.',
          unit: 'bytes',
          min: 0,
          queries: [
            query(
              `clamp_min((${ofHosts('patroni_xlog_received_location')} > 0) - ${ofHosts('patroni_xlog_replayed_location')}, 0)`,
              '{{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'Distance as the leader sees it',
          about:
            "WAL that has been sent to a standby or other receiver and that it has not replayed. Worry when it differs from the member's own figure: the link stands still.",
          unit: 'bytes',
          min: 0,
          queries: [
            query(
              `max by (host, application_name) (${ofHosts('pg_stat_replication_pg_wal_lsn_diff')})`,
              '{{application_name}}, from {{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'Receiver of WAL',
          about: 'WAL that the receiver of a replica gets a second. Worry when it is 0 while the leader writes.',
          unit: 'binBps',
          min: 0,
          queries: [query(RECEIVED, '{{host}}, from {{upstream_host}}')],
        }),
        timeseries({
          title: 'Last word of the upstream',
          about:
            'Time since the receiver heard from its upstream. Worry above wal_receiver_timeout: it will connect anew.',
          unit: 's',
          min: 0,
          queries: [
            query(`time() - max by (host) (${ofHosts('pg_stat_wal_receiver_last_msg_receipt_time')})`, '{{host}}'),
          ],
        }),
      ],
    },
    {
      title: 'State',
      panels: [
        stateTimeline({
          title: 'Streams',
          about: 'Whether a replica receives WAL from its upstream. Worry when it does not and its lag grows.',
          meanings: health('streams', 'does not stream'),
          queries: [
            query(
              `max by (host) (${ofHosts('patroni_postgres_streaming')} and ${ofHosts('patroni_primary')} == 0)`,
              '{{host}}',
            ),
          ],
        }),
        stateTimeline({
          title: 'Synchronous standby',
          about:
            'Members that a commit waits for. Worry when none is left in a cluster with replication sync or quorum.',
          meanings: { 0: { text: 'no', color: 'gray' }, 1: { text: 'yes', color: 'green' } },
          queries: [
            query(
              `max by (host) (${ofHosts('patroni_sync_standby')} + ${ofHosts('patroni_quorum_standby')})`,
              '{{host}}',
            ),
          ],
        }),
        stateTimeline({
          title: 'Replay is paused',
          about:
            'Whether somebody has paused replay by hand. Worry when it is forgotten: pg_wal_replay_resume() ends it.',
          meanings: trouble('paused'),
          queries: [query(`max by (host) (${ofHosts('patroni_xlog_paused')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Conflicts',
          about:
            'Queries of replicas that replay has ended. Worry when reports fail: see max_standby_streaming_delay and hot_standby_feedback.',
          width: 12,
          unit: 'ops',
          min: 0,
          queries: [query(`sum by (host) (${perSecond(ofHosts('pg_stat_database_conflicts'))})`, '{{host}}')],
        }),
      ],
    },
    {
      title: 'Slots',
      panels: [
        stateTimeline({
          title: 'Slots of the leader',
          about:
            'Whether a slot has a receiver. Worry about one without: it keeps WAL until the disk is full or the slot is lost.',
          meanings: health('active', 'nobody receives'),
          queries: [
            maybe(
              onLeader(`max by (cluster, host, slot_name) (${ofHosts('pg_replication_slot_slot_is_active')})`, ofHosts),
              '{{slot_name}} on {{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'WAL that a slot may still keep',
          about:
            'Bytes until a slot loses WAL because of max_slot_wal_keep_size. Worry when it nears 0: its receiver must be rebuilt.',
          width: 12,
          unit: 'bytes',
          min: 0,
          queries: [
            maybe(
              `min by (host, slot_name) (${ofHosts('pg_replication_slot_safe_wal_size_bytes')})`,
              '{{slot_name}} on {{host}}',
            ),
          ],
        }),
        stateTimeline({
          title: 'State of WAL that slots need',
          about: 'Whether the WAL of a slot is there: reserved or extended is good. Worry about unreserved and lost.',
          width: 24,
          meanings: { 1: { text: 'is', color: 'blue' } },
          queries: [
            maybe(
              `max by (host, slot_name, wal_status) (${ofHosts('pg_replication_slot_wal_status')} == 1)`,
              '{{slot_name}} on {{host}}: {{wal_status}}',
            ),
          ],
        }),
      ],
    },
  ],
};
