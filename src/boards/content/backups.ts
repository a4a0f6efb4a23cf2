import { type Board, CLUSTER } from '../board.ts';
import { stat, stateTimeline, table, timeseries } from '../panel.ts';
import { maybe, ofCluster, query } from '../query.ts';
import { health, over, trouble } from '../thresholds.ts';

const DAY = 24 * 60 * 60;

/** Space of the file systems of the hosts that ask pgBackRest about the repositories. */
const onBackupHost = (metric: string): string =>
  `min by (cluster, host, mountpoint) (${ofCluster(metric, 'fstype!~"tmpfs|ramfs"')})` +
  ` and on (cluster, host) ${ofCluster('pgbackrest_exporter_status')}`;

/** Backups, the repositories, and whether a restore was tried. */
export const backups: Board = {
  uid: 'hapg-backups',
  title: 'PostgreSQL: backups',
  about: 'Backups of pgBackRest: their age, size and faults, the repositories, the last rehearsed restore.',
  variables: [CLUSTER],
  sections: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Age of the last backup',
          about: 'Time since any backup was completed. Worry when it passes the schedule: see "hapg backups".',
          unit: 's',
          thresholds: over({ worry: 1.25 * DAY, bad: 2 * DAY }),
          queries: [maybe(`min(${ofCluster('pgbackrest_backup_since_last_completion_seconds')})`, 'last backup')],
        }),
        stat({
          title: 'Age of the last full backup',
          about: 'Time since a full backup was completed. Worry after more than a week with the usual schedule.',
          unit: 's',
          thresholds: over({ worry: 8 * DAY }),
          queries: [
            maybe(
              `min(${ofCluster('pgbackrest_backup_since_last_completion_seconds', 'backup_type="full"')})`,
              'last full backup',
            ),
          ],
        }),
        stat({
          title: 'Last rehearsed restore',
          about:
            'Time since "hapg drill restore" restored a backup and found its data. Worry after two weeks: a backup is a hope until it was restored.',
          unit: 's',
          thresholds: over({ worry: 14 * DAY }),
          queries: [
            maybe(`time() - max(${ofCluster('hapg_drill_restore_last_success_seconds')})`, 'last rehearsed restore'),
          ],
        }),
        stat({
          title: 'Stanza',
          about: 'What pgBackRest says of the stanza as a whole. Worry about a fault: "hapg status" says which.',
          meanings: { 0: { text: 'in order', color: 'green' } },
          thresholds: over({ bad: 1 }),
          queries: [query(`max(${ofCluster('pgbackrest_stanza_status')})`, 'stanza')],
        }),
        stat({
          title: 'Page errors in the last backup',
          about:
            'Whether a page of the last backup failed its data checksum. Worry at once: the data itself is damaged.',
          meanings: trouble('yes'),
          queries: [maybe(`max(${ofCluster('pgbackrest_backup_last_error_status')})`, 'page errors')],
        }),
        stat({
          title: 'pgBackRest answers',
          about:
            'Whether pgBackRest could be asked about the repositories. Worry when it could not: nothing else here is new.',
          meanings: health('yes', 'no'),
          queries: [query(`min(${ofCluster('pgbackrest_exporter_status')})`, 'pgBackRest answers')],
        }),
      ],
    },
    {
      title: 'Backups',
      panels: [
        table({
          title: 'Last backup of each type',
          about: 'A full backup counts for the other types when it is newer. Worry about ages that pass the schedule.',
          labels: { backup_type: 'Type', stanza: 'Stanza' },
          columns: [
            {
              query: maybe(
                `min by (backup_type, stanza) (${ofCluster('pgbackrest_backup_since_last_completion_seconds')})`,
                'Age',
              ),
              unit: 's',
            },
            {
              query: maybe(
                `max by (backup_type, stanza) (${ofCluster('pgbackrest_backup_last_duration_seconds')})`,
                'Took',
              ),
              unit: 's',
            },
            {
              query: maybe(
                `max by (backup_type, stanza) (${ofCluster('pgbackrest_backup_last_size_bytes')})`,
                'Size of the data',
              ),
              unit: 'bytes',
            },
            {
              query: maybe(
                `max by (backup_type, stanza) (${ofCluster('pgbackrest_backup_last_repo_delta_bytes')})`,
                'Written to the repository',
              ),
              unit: 'bytes',
            },
          ],
        }),
        timeseries({
          title: 'Age by type',
          about: 'Falls to 0 with each backup. Worry when it rises past the schedule.',
          unit: 's',
          min: 0,
          queries: [
            maybe(
              `min by (backup_type) (${ofCluster('pgbackrest_backup_since_last_completion_seconds')})`,
              '{{backup_type}}',
            ),
          ],
        }),
        timeseries({
          title: 'Duration of the last backup',
          about: 'How long the last backup of each type took. Worry when it nears the time between two backups.',
          unit: 's',
          min: 0,
          queries: [
            maybe(`max by (backup_type) (${ofCluster('pgbackrest_backup_last_duration_seconds')})`, '{{backup_type}}'),
          ],
        }),
        timeseries({
          title: 'Size of backups in the repositories',
          about:
            'Compressed bytes of all backups that are kept, without WAL. Worry when it grows faster than the database.',
          unit: 'bytes',
          min: 0,
          queries: [
            maybe(`sum by (repo_key) (${ofCluster('pgbackrest_backup_repo_delta_bytes')})`, 'repository {{repo_key}}'),
          ],
        }),
      ],
    },
    {
      title: 'Repositories',
      panels: [
        stateTimeline({
          title: 'State of each repository',
          about: 'Whether pgBackRest finds a repository in order. Worry when it does not: "hapg status" says why.',
          meanings: { 0: { text: 'in order', color: 'green' } },
          thresholds: over({ bad: 1 }),
          queries: [query(`max by (repo_key) (${ofCluster('pgbackrest_repo_status')})`, 'repository {{repo_key}}')],
        }),
        stateTimeline({
          title: 'WAL archive',
          about:
            'Whether the archive of each repository holds WAL from a first to a last segment. Worry when it does not.',
          meanings: health('holds WAL', 'incomplete'),
          queries: [
            query(`min by (repo_key) (${ofCluster('pgbackrest_wal_archive_status')})`, 'repository {{repo_key}}'),
          ],
        }),
        timeseries({
          title: 'Free space of the hosts that reach the repositories',
          about:
            'Free bytes of their file systems; the repository is on one of them unless it is remote. Worry when it falls to the size of a full backup.',
          width: 24,
          unit: 'bytes',
          min: 0,
          queries: [query(onBackupHost('node_filesystem_avail_bytes'), '{{host}} {{mountpoint}}')],
        }),
      ],
    },
  ],
};
