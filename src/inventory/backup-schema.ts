import { z } from 'zod';
import { absolutePath, calendar, clusterName, hostName, port, sqlName } from './values.ts';

const repository = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('host').describe('On the host with the role pgbackrest, at pgbackrest.path') }),
    z.strictObject({
      kind: z.literal('directory').describe('A directory on a mount that every host which reaches it has'),
      path: absolutePath,
    }),
    z.strictObject({
      kind: z.literal('s3').describe('A bucket of an S3-compatible storage; its keys come from the secret store'),
      bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'not the name of a bucket'),
      endpoint: z.string().regex(/^[A-Za-z0-9.:-]+$/, 'the name or address of the storage, without https://'),
      region: z
        .string()
        .regex(/^[A-Za-z0-9-]+$/)
        .default('us-east-1'),
      port: port.default(443),
      uri_style: z.enum(['host', 'path']).default('host').describe('Where the bucket stands in a request'),
      path: absolutePath.optional().describe('Within the bucket; default: /CLUSTER'),
      ca: z
        .string()
        .regex(
          /^\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/,
          'expected a certificate in PEM form',
        )
        .optional()
        .describe("PEM text of the authority that signs the storage's certificate, where the system does not know it"),
    }),
  ],
  { error: 'a repository has a kind: host, directory or s3' },
);

const drill = z
  .strictObject({
    host: hostName.optional().describe('Where drills run; default: the host with the role pgbackrest'),
    schedule: calendar.optional().describe('When to drill without being asked; default: never'),
    count: z
      .array(z.strictObject({ database: sqlName, table: z.string().regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/) }))
      .default([])
      .describe('Tables whose rows are counted in the restored database'),
  })
  .prefault({});

/** `pgbackrest:` of an inventory. */
export const pgbackrest = z
  .strictObject({
    stanza: clusterName.optional().describe("Default: the cluster's name"),
    port: port.default(8432),
    path: absolutePath.default('/var/lib/pgbackrest'),
    repositories: z
      .array(repository)
      .min(1, 'leave repositories out, or name one')
      .max(4)
      .optional()
      .describe('Where backups go; default: the host with the role pgbackrest. WAL and backups go to all of them'),
    read_bandwidth: z
      .string()
      .regex(/^[1-9][0-9]*[KMG]?$/, 'bytes a second, such as 50M')
      .optional()
      .describe("How fast a backup may read a database host's disk (systemd IOReadBandwidthMax)"),
    compress: z.enum(['zst', 'lz4', 'gz', 'none']).default('zst'),
    process_max: z.int().min(1).max(64).default(2),
    retention: z.strictObject({ full: z.int().min(1).default(2) }).prefault({}),
    schedule: z
      .strictObject({ full: calendar.default('Sun 03:00'), diff: calendar.default('Mon..Sat 03:00') })
      .prefault({}),
    drill,
  })
  .prefault({});
