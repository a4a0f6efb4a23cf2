import { type Board, CLUSTER, DATABASE_HOSTS } from '../board.ts';
import { timeseries } from '../panel.ts';
import { maybe, ofCluster, ofHosts, onLeader, perSecond, query, walPerSecond } from '../query.ts';
import { over } from '../thresholds.ts';

/** The write-ahead log on the hosts, and on its way into the archive. */
export const wal: Board = {
  uid: 'hapg-wal',
  title: 'PostgreSQL: WAL and archive',
  about: 'How much WAL is written, how much of it lies on the hosts, and whether it reaches the archive.',
  variables: [CLUSTER, DATABASE_HOSTS],
  sections: [
    {
      title: 'WAL on the hosts',
      panels: [
        timeseries({
          title: 'WAL written',
          about: 'WAL that the cluster writes. Worry when it is more than replicas and the archive can take.',
          unit: 'binBps',
          min: 0,
          queries: [query(walPerSecond(ofCluster), 'WAL')],
        }),
        timeseries({
          title: 'Size of pg_wal',
          about:
            'WAL on each host, and max_wal_size. Worry when it is twice that: a slot or the archive holds it, and the disk fills.',
          unit: 'bytes',
          min: 0,
          queries: [
            query(`max by (host) (${ofHosts('pg_wal_size_bytes')})`, '{{host}}'),
            query(`max(${ofHosts('pg_settings_max_wal_size_bytes')})`, 'max_wal_size'),
          ],
        }),
        timeseries({
          title: 'Segments in pg_wal',
          about: 'WAL files on each host. Worry when their number rises without end.',
          min: 0,
          decimals: 0,
          queries: [query(`max by (host) (${ofHosts('pg_wal_segments')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Kept for slots',
          about:
            'WAL that the slots of the leader keep for receivers that have not got it. Worry when it grows: a receiver is gone.',
          width: 12,
          unit: 'bytes',
          min: 0,
          queries: [
            maybe(
              onLeader(
                `max by (cluster, host, slot_name) (${ofHosts('pg_replication_slots_pg_wal_lsn_diff')})`,
                ofHosts,
              ),
              '{{slot_name}} on {{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'WAL against max_wal_size',
          about: 'How many times max_wal_size lies in pg_wal. Worry from 2 on.',
          width: 12,
          unit: 'none',
          decimals: 2,
          min: 0,
          thresholds: over({ bad: 2 }),
          queries: [
            query(
              `max by (host) (${ofHosts('pg_wal_size_bytes')} / on (cluster, host) ${ofHosts('pg_settings_max_wal_size_bytes')})`,
              '{{host}}',
            ),
          ],
        }),
      ],
    },
    {
      title: 'Archive',
      panels: [
        timeseries({
          title: 'Archived',
          about: 'WAL segments that reached the repository a second. Worry when there is none while WAL is written.',
          unit: 'ops',
          min: 0,
          queries: [query(`sum by (host) (${perSecond(ofHosts('pg_stat_archiver_archived_count'))})`, '{{host}}')],
        }),
        timeseries({
          title: 'Failed to archive',
          about:
            'Attempts that failed. Worry about any that go on: a restore would end before them. See "hapg status".',
          unit: 'ops',
          min: 0,
          queries: [query(`sum by (host) (${perSecond(ofHosts('pg_stat_archiver_failed_count'))})`, '{{host}}')],
        }),
        timeseries({
          title: 'Age of the last archived WAL',
          about: 'Time since the leader archived a segment. Worry when it passes archive_timeout.',
          unit: 's',
          min: 0,
          thresholds: over({ worry: 900 }),
          queries: [maybe(onLeader(ofHosts('pg_stat_archiver_last_archive_age'), ofHosts), '{{host}}')],
        }),
      ],
    },
  ],
};
