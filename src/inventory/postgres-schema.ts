import { z } from 'zod';
import { databases } from './databases-schema.ts';
import { extension, packageName } from './extensions.ts';
import { majorVersion } from './major-version.ts';
import { users } from './users-schema.ts';
import { absolutePath, oneLine, parametersOf, port } from './values.ts';

export const postgres = z
  .strictObject({
    version: majorVersion
      .default('17')
      .describe('Major version of PostgreSQL, in quotes. It cannot be changed while the cluster lives'),
    repository: z
      .enum(['distribution', 'pgdg'])
      .default('distribution')
      .describe("Source of the packages: the distribution's own, or apt.postgresql.org (pgdg)"),
    port: port.default(5432).describe('Port of PostgreSQL on every member'),
    data_dir: absolutePath
      .optional()
      .describe(
        'Data directory; default: /var/lib/postgresql/VERSION/CLUSTER. A directory of its own: not a system directory, not below /home or /root, not inside the directory of another program. A host may have another one: hosts.NAME.postgres.data_dir',
      ),
    wal_dir: absolutePath
      .optional()
      .describe(
        'Directory of its own for the WAL, for example on another disk; default: inside the data directory. On a living cluster the WAL moves there one member at a time, while it is stopped',
      ),
    locale: z
      .string()
      .regex(/^[A-Za-z0-9_.@-]+$/)
      .default('C.UTF-8')
      .describe('Locale of a new database cluster (initdb)'),
    parameters: parametersOf(
      'PostgreSQL settings of all members; hosts.NAME.postgres.parameters has those of one. Checked against the settings of the version before any host is contacted, and read back from every member. Memory settings that are left out are sized by the host',
    ).default({}),
    hba: z
      .array(oneLine.min(1))
      .default([])
      .describe(
        'Extra pg_hba.conf lines, placed before the final reject. TLS and a password or certificate are required; includes are refused',
      ),
    databases,
    users,
    extensions: z
      .array(extension)
      .default([])
      .describe(
        'Extensions that every member offers: packages are installed and libraries preloaded. postgres.databases says where they are created',
      ),
    packages: z.array(packageName).default([]).describe('Further packages for the database hosts'),
    stop_other_clusters: z
      .boolean()
      .default(false)
      .describe(
        'true: other PostgreSQL clusters of the distribution on database hosts are stopped and disabled even when they hold data. false: apply refuses to begin',
      ),
  })
  .prefault({})
  .describe('PostgreSQL on hosts with the role patroni');
