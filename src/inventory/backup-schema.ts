import { z } from 'zod';
import { repositoryEntry } from './repositories/kinds.ts';
import { absolutePath, calendar, clusterName, hostName, port, sqlName } from './values.ts';

const drill = z
  .strictObject({
    host: hostName.optional().describe('Host on which drills run; default: the host with the role pgbackrest'),
    schedule: calendar
      .optional()
      .describe('When drills run by themselves (systemd calendar expression); default: never'),
    count: z
      .array(
        z.strictObject({
          database: sqlName.describe('Name of the database'),
          table: z
            .string()
            .regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/)
            .describe('Name of the table, with its schema where that is not public'),
        }),
      )
      .default([])
      .describe('Tables whose rows a drill counts in the restored database'),
  })
  .prefault({})
  .describe('Restore drills: "hapg drill restore"');

/** `pgbackrest:` of an inventory. */
export const pgbackrest = z
  .strictObject({
    stanza: clusterName.optional().describe("Name of pgBackRest's stanza; default: the name of the cluster"),
    port: port.default(8432).describe("Port of pgBackRest's TLS server"),
    path: absolutePath
      .default('/var/lib/pgbackrest')
      .describe('Directory of the repository on the backup host; default: /var/lib/pgbackrest'),
    repositories: z
      .array(repositoryEntry)
      .min(1, 'leave repositories out, or name one')
      .max(4)
      .optional()
      .describe('Repositories; WAL and backups go to all of them. Default: one on the host with the role pgbackrest'),
    read_bandwidth: z
      .string()
      .regex(/^[1-9][0-9]*[KMG]?$/, 'bytes a second, such as 50M')
      .optional()
      .describe(
        "How fast a backup may read a database host's disk, in bytes per second (systemd IOReadBandwidthMax); default: no limit",
      ),
    compress: z.enum(['zst', 'lz4', 'gz', 'none']).default('zst').describe('Compression of backups and WAL'),
    process_max: z.int().min(1).max(64).default(2).describe('Processes that compress and copy at once'),
    retention: z
      .strictObject({
        full: z
          .int()
          .min(1)
          .max(9_999_999)
          .optional()
          .describe(
            'Number of full backups that are kept, with the WAL that they need; default: 2, where days is not given',
          ),
        days: z
          .int()
          .min(1)
          .max(9_999_999)
          .optional()
          .describe('Age in place of a number: a full backup is kept until a newer one is older than so many days'),
        diff: z
          .int()
          .min(1)
          .max(9_999_999)
          .optional()
          .describe(
            'Number of differential backups that are kept, with the incremental ones of each; default: as long as their full backup',
          ),
      })
      .prefault({})
      .describe('What is kept; older backups expire'),
    schedule: z
      .strictObject({
        full: calendar.default('Sun 03:00').describe('When full backups are taken'),
        diff: calendar.default('Mon..Sat 03:00').describe('When differential backups are taken'),
        incr: calendar.optional().describe('When incremental backups are taken; default: never'),
      })
      .prefault({})
      .describe('Schedule of the backups (systemd calendar expressions)'),
    drill,
  })
  .prefault({})
  .describe('Backups with pgBackRest');
