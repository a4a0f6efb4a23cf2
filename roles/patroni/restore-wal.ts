import { ARCHIVE_AGAIN_S, ARCHIVE_LISTENS_S } from '../../src/bounds/postgres.ts';
import { type Cluster, repositoryHost } from '../../src/inventory/model.ts';
import { kindOf } from '../../src/inventory/repositories/kinds.ts';
import { SOCKET_DIR } from '../../src/programs/postgres.ts';
import { render } from '../../src/render.ts';
import { quote } from '../../src/shell/quote.ts';

/** The program with which PostgreSQL fetches WAL from the archive (restore_command). */
export const RESTORE_WAL = '/usr/local/lib/hapg/restore-wal';

const quoted = ({ address, port }: { address: string; port: number }) => ({ address: quote(address), port });

/** Returns that program for the members of a cluster with backups. */
export function restoreWal(cluster: Cluster): string {
  const host = repositoryHost(cluster);
  return render('patroni/restore-wal', {
    stanza: cluster.stanza,
    seconds: ARCHIVE_LISTENS_S,
    again: ARCHIVE_AGAIN_S,
    directory: SOCKET_DIR,
    binDir: cluster.binDir,
    host: host && quoted({ address: host.address, port: cluster.settings.pgbackrest.port }),
    repositories: cluster.repositories.map((one) => {
      const service = kindOf(one).service?.(one);
      return { key: one.key, service: service && quoted(service) };
    }),
  });
}
