import { type Board, CLUSTER, DATABASE_HOSTS } from '../board.ts';
import { stateTimeline, timeseries } from '../panel.ts';
import { maybe, ofHosts, perSecond, query } from '../query.ts';
import { health, over } from '../thresholds.ts';

const HOUR = 60 * 60;

/** Sessions of clients; PostgreSQL's own processes are left out. */
const CLIENTS = 'backend_type="client backend"';

/** A counter of `pg_stat_database`, a second, over all databases of a host. */
const ofDatabases = (name: string): string => `sum by (host) (${perSecond(ofHosts(`pg_stat_database_${name}`))})`;

/** The PostgreSQL of each host. */
export const instance: Board = {
  uid: 'hapg-instance',
  title: 'PostgreSQL: instance',
  about: 'What the PostgreSQL of a host does: sessions, transactions, cache, checkpoints, locks.',
  variables: [CLUSTER, DATABASE_HOSTS],
  sections: [
    {
      title: 'Sessions',
      panels: [
        stateTimeline({
          title: 'Runs',
          about: 'Whether PostgreSQL answers its exporter. Worry when it is down and nobody restarts it.',
          width: 8,
          meanings: health('runs', 'down'),
          queries: [query(`max by (host) (${ofHosts('pg_up')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Sessions by state',
          about:
            'Sessions of clients by what they do. Worry about many "idle in transaction": they hold locks and keep vacuum from its work.',
          stacked: true,
          min: 0,
          queries: [
            query(`sum by (host, state) (${ofHosts('pg_stat_activity_count', CLIENTS)})`, '{{host}}: {{state}}'),
          ],
        }),
        timeseries({
          title: 'Longest transaction',
          about:
            'Age of the oldest transaction of a client. Worry after an hour: it blocks vacuum and makes a switchover wait.',
          unit: 's',
          min: 0,
          thresholds: over({ worry: HOUR }),
          queries: [
            maybe(
              `max by (host, datname) (${ofHosts('pg_stat_activity_max_tx_duration', 'state=~"active|idle in transaction.*"', CLIENTS)})`,
              '{{host}}: {{datname}}',
            ),
          ],
        }),
      ],
    },
    {
      title: 'Work',
      panels: [
        timeseries({
          title: 'Transactions',
          about: 'Commits and rollbacks. Worry when rollbacks rise: applications meet errors or conflicts.',
          unit: 'ops',
          min: 0,
          queries: [
            query(ofDatabases('xact_commit'), '{{host}}: commits'),
            query(ofDatabases('xact_rollback'), '{{host}}: rollbacks'),
          ],
        }),
        timeseries({
          title: 'Rows',
          about: 'Rows fetched and changed. Worry when a form of work stops that should be there.',
          unit: 'cps',
          min: 0,
          queries: ['fetched', 'inserted', 'updated', 'deleted'].map((how) =>
            query(ofDatabases(`tup_${how}`), `{{host}}: ${how}`),
          ),
        }),
        timeseries({
          title: 'Cache hits',
          about:
            'The part of blocks that were in shared memory. Worry when it falls and stays low: the disks do the work.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          // Without any block read the part has no value, and the panel a gap.
          queries: [
            query(
              `${ofDatabases('blks_hit')} / (${ofDatabases('blks_hit')} + ${ofDatabases('blks_read')})`,
              '{{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'Temporary files',
          about: 'Bytes that sorts and joins write to disk because they exceed work_mem. Worry when it is steady.',
          unit: 'binBps',
          min: 0,
          queries: [query(ofDatabases('temp_bytes'), '{{host}}')],
        }),
        timeseries({
          title: 'Deadlocks',
          about:
            'Transactions that PostgreSQL ended because they waited for each other. Worry about any: mend the application.',
          unit: 'ops',
          min: 0,
          queries: [query(ofDatabases('deadlocks'), '{{host}}')],
        }),
        timeseries({
          title: 'Locks by mode',
          about: 'Locks that are held or awaited. Worry when AccessExclusiveLock stays: others wait for it.',
          min: 0,
          queries: [query(`sum by (host, mode) (${ofHosts('pg_locks_count')}) > 0`, '{{host}}: {{mode}}')],
        }),
      ],
    },
    {
      title: 'Checkpoints and sizes',
      panels: [
        timeseries({
          title: 'Checkpoints',
          about:
            'Checkpoints by time and on request. Worry when requested ones are the more frequent: max_wal_size is too small.',
          unit: 'ops',
          min: 0,
          queries: [
            query(perSecond(ofHosts('pg_stat_checkpointer_num_timed_total')), '{{host}}: by time'),
            query(perSecond(ofHosts('pg_stat_checkpointer_num_requested_total')), '{{host}}: requested'),
            query(perSecond(ofHosts('pg_stat_checkpointer_restartpoints_done_total')), '{{host}}: restartpoints'),
          ],
        }),
        timeseries({
          title: 'Buffers that checkpoints write',
          about: 'Pages that checkpoints and restartpoints write. Worry when peaks coincide with slow commits.',
          unit: 'ops',
          min: 0,
          queries: [query(perSecond(ofHosts('pg_stat_checkpointer_buffers_written_total')), '{{host}}')],
        }),
        timeseries({
          title: 'Size of each database',
          about: 'Size on disk, the same on every member. Worry when it grows faster than the disk can take.',
          unit: 'bytes',
          min: 0,
          queries: [query(`max by (datname) (${ofHosts('pg_database_size_bytes')})`, '{{datname}}')],
        }),
        timeseries({
          title: 'Transactions until wraparound',
          about:
            'Age of the oldest transaction id that a database still has, in transactions. Worry above a billion: vacuum does not get through.',
          unit: 'short',
          min: 0,
          thresholds: over({ bad: 1e9 }),
          queries: [
            query(`max by (datname) (${ofHosts('pg_database_wraparound_age_datfrozenxid_seconds')})`, '{{datname}}'),
          ],
        }),
        timeseries({
          title: 'Tables being vacuumed',
          about: 'Autovacuum workers at work. Worry when the same table is there for hours.',
          min: 0,
          decimals: 0,
          queries: [
            maybe(
              `count by (host, relname) (${ofHosts('pg_stat_activity_autovacuum_timestamp_seconds')})`,
              '{{host}}: {{relname}}',
            ),
          ],
        }),
        timeseries({
          title: 'Data checksum failures',
          about:
            'Pages that PostgreSQL found damaged. Worry about any: the disk or the memory lies; rebuild the member.',
          min: 0,
          thresholds: over({ bad: 1 }),
          queries: [maybe(`max by (host, datname) (${ofHosts('hapg_checksum_failures')})`, '{{host}}: {{datname}}')],
        }),
      ],
    },
  ],
};
