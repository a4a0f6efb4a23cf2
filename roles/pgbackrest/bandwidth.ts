import type { Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';

/** Limits of a database host's server, which only reads for backups, so its limit is theirs; WAL is pushed separately. */
export const bandwidth = (host: Host, { cluster }: Pick<Context, 'cluster'>) => ({
  readLimit: host.roles.has('patroni') ? cluster.settings.pgbackrest.read_bandwidth : undefined,
  dataDir: host.dataDir,
});
