import { scratchServer } from '../roles/pgbackrest/scratch.ts';
import { transfer } from '../src/bounds/copy.ts';
import { undoFor } from '../src/bounds/undo.ts';
import { type Target, targetArguments } from '../src/cluster/restore-target.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, type Host, serverOf } from '../src/inventory/model.ts';
import type { Backup } from '../src/observe/repository.ts';
import { PATHS } from '../src/paths.ts';
import { psql, SOCKET_DIR, sql } from '../src/programs/postgres.ts';
import { render } from '../src/render.ts';
import { quote, words } from '../src/shell/quote.ts';

/** A database, or a table of it, that is brought back beside what is there. */
export interface Part {
  database: string;
  /** `SCHEMA.TABLE`; undefined: the whole database. */
  table: string | undefined;
  /** The database that is made, or for a table the schema. All names need no quoting. */
  as: string;
}

/** What is restored, and to where. */
export interface ExtractOrder extends Part {
  target: Target;
  backup: Backup;
  timeline: number;
}

const UNDO = 'extract';

/** POSIX sh for the leader that prints the databases among these names. */
export const databasesAmong = (cluster: Cluster, names: readonly string[]): string =>
  sql(
    serverOf(cluster),
    `select datname from pg_database where datname in (${names.map((one) => `'${one}'`).join(', ')})`,
  );

/** POSIX sh for the leader that prints a schema's name where the database has it. */
export const schemaIn = (cluster: Cluster, database: string, schema: string): string =>
  psql(serverOf(cluster), database, '-c', `select nspname from pg_namespace where nspname = '${schema}'`);

/** Returns the scripts: the work, and the undo for a host that loses its power in the middle of it. */
export function extractScripts(
  cluster: Cluster,
  { dataDir }: Host,
  order: ExtractOrder,
): { work: string; undo: string } {
  const { backup, target, timeline, database, table, as } = order;
  const scratch = scratchServer(cluster, 'extract');
  const server = render('pgbackrest/scratch.sh', scratch);
  const unfinished = render('pgbackrest/unfinished.sh', {
    binDir: cluster.binDir,
    socketDir: SOCKET_DIR,
    livePort: cluster.settings.postgres.port,
    target: as,
  });
  const work = render('pgbackrest/extract.sh', {
    ...scratch,
    scratchServer: server,
    unfinished,
    socketDir: SOCKET_DIR,
    livePort: cluster.settings.postgres.port,
    dataDir: quote(dataDir),
    bytes: backup.sizeBytes,
    backup: backup.label,
    database,
    table,
    target: as,
    restore: words(`--repo=${backup.repository}`, `--set=${backup.label}`, ...targetArguments(target, timeline)),
  });
  const undo = `systemctl stop hapg-extract.service 2>/dev/null
fail() { echo "$1"; exit 1; }
${server}
${unfinished}
remove_unfinished || exit 1
remove_scratch`;
  return { work, undo };
}

/**
 * Restores a part on the host that leads, where the copy needs neither a network nor a password. The undo removes what an
 * interrupted run leaves, and waits for nothing: the unit cleans up after itself.
 */
export async function extract(op: Operation, host: Host, order: ExtractOrder): Promise<void> {
  const { work, undo } = extractScripts(op.cluster, host, order);
  const bound = transfer(order.backup.sizeBytes);
  op.stage('extract', [host]);
  await op.withUndo(host, UNDO, undo, undoFor(bound), () =>
    op.step(host, `restore ${order.table ?? order.database} as ${order.as}`, 'pgbackrest', 'run', (remote) =>
      remote.unit('extract', work, bound, {
        script: `tac ${PATHS.log}/extract.log | sed '/^== /q' | sed -n 1p`,
        describe: (line) => line.trim() || undefined,
      }),
    ),
  );
}
