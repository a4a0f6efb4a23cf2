import { dcsConfig } from '../roles/patroni/dynamic-config.ts';
import { aside, transfer } from '../src/bounds/copy.ts';
import { copyProgress, copyProgressLine, replayProgressLine } from '../src/cluster/copy-progress.ts';
import { reachedTarget, recoveryEnd } from '../src/cluster/recovery-proof.ts';
import { type Target, targetArguments } from '../src/cluster/restore-target.ts';
import { databasePaths, placeWal, setDatabaseAside } from '../src/cluster/storage.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, type Host, hostsWith } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import type { Context } from '../src/playbook.ts';
import { asPostgres, controlData, ownDirectories } from '../src/programs/postgres.ts';
import { awaitEnd } from '../src/programs/systemd.ts';
import { print, quote, words } from '../src/shell/quote.ts';

/** The order of a restore, kept on the controller and in short on the hosts until it is done. */
export interface RestoreOrder {
  target: Target;
  /** The timeline of the target; an interrupted recovery may have begun a newer one. */
  timeline: number;
  backup: string;
  /** pgBackRest's number of the repository with the backup. */
  repository: number;
  /** Size of the database (bytes). */
  bytes: number;
  /** Directories of its tablespaces outside the data directory; absent in an order of an older hapg. */
  tablespaces?: string[];
  /** Host that is restored first and leads afterwards. */
  host: string;
  /** Suffix of what is moved aside: `20260131T140500`. */
  stamp: string;
  done: Phase[];
  /** The cluster of the backup, where that is another one. */
  source?: string;
}

/** The phases, in order; each can be repeated until it is recorded as done. */
export type Phase = 'stopped' | 'forgotten' | 'restored' | 'leading' | 'backed up' | 'following';

/**
 * The cluster of the backup and how the restoring host reaches it: pgBackRest's stanza, and arguments such as
 * `--config=`.
 */
export interface BackupSource {
  stanza: string;
  options: readonly string[];
  /** Whether the backup is of this cluster, which continues to archive into the same stanza. */
  own: boolean;
}

const SOCKETS = '/run/hapg-restore';

/** The directory in which the present data of the host that is restored first is kept. */
export const keptDirectory = ({ dataDir }: Host, { stamp }: RestoreOrder): string =>
  `${dataDir}.before-restore-${stamp}`;

/** POSIX sh that makes the directories of the database that is restored, or gives PostgreSQL existing ones. */
export const ownPlaces = (host: Host, cluster: Cluster, { tablespaces = [] }: RestoreOrder): string =>
  ownDirectories(
    ...databasePaths(
      host,
      cluster,
      tablespaces.map((path) => ({ path })),
    ),
  );

/** POSIX sh that marks a host: Patroni's unit does not start while the mark exists, not even at a boot. */
export const markRestore = (order: RestoreOrder): string =>
  `umask 077; mkdir -p ${PATHS.state}; ${print(`restore to ${JSON.stringify(order.target)} from ${order.backup}, begun ${order.stamp}\n`)} > ${PATHS.restore}`;

/** Runs phases. Each is recorded when it is done, so that an interrupted restore continues there. */
export const phases =
  (op: Operation, order: RestoreOrder, note: (phase: Phase) => void) =>
  async (name: Phase, hosts: readonly Host[], work: () => Promise<void>): Promise<void> => {
    if (order.done.includes(name)) return;
    op.checkInterrupt();
    op.stage(name, hosts);
    await work();
    note(name);
  };

/**
 * Settings on PostgreSQL's command line while it recovers without Patroni: its own socket, no network. Without hot
 * standby it needs none of the sizes of the server that wrote the WAL, except the number of prepared transactions.
 */
function recoverySettings({ dataDir }: Host, context: Context, { own }: BackupSource): string[] {
  const { cluster } = context;
  const { wal_level, max_replication_slots, max_wal_senders } = (
    dcsConfig(context).postgresql as { parameters: Record<string, string | number> }
  ).parameters;
  const settings: Record<string, string | number | undefined> = {
    wal_level,
    max_replication_slots,
    max_wal_senders,
    hot_standby: 'off',
    // The restored configuration names the data directory of the backup.
    hba_file: `${dataDir}/pg_hba.conf`,
    ident_file: `${dataDir}/pg_ident.conf`,
    listen_addresses: '',
    port: cluster.settings.postgres.port,
    unix_socket_directories: SOCKETS,
    synchronous_standby_names: '',
    ssl: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    lc_messages: 'C',
    // The stanza of a clone does not exist yet, and nothing of the clone may be archived into that of its source.
    archive_mode: own ? 'on' : 'off',
    archive_command: `pgbackrest --stanza=${cluster.stanza} archive-push "%p"`,
    primary_conninfo: '',
    primary_slot_name: '',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/**
 * Restores the first host: moves its data aside, restores the backup, and recovers to exactly the target, proven by the
 * server's history. Only this host's own postgres reaches the server meanwhile; afterwards it is stopped.
 */
export async function recoverFirst(
  op: Operation,
  context: Context,
  host: Host,
  order: RestoreOrder,
  source: BackupSource,
): Promise<void> {
  const { cluster } = op;
  const { dataDir } = host;
  const data = quote(dataDir);
  await op.step(host, 'move the present data aside', 'patroni', 'remove', (remote) =>
    remote.unit(
      'aside',
      // After an interrupted run the present data is this restore's own; it is not moved again.
      `${setDatabaseAside(dataDir, `before-restore-${order.stamp}`)}
${ownPlaces(host, cluster, order)}`,
      aside(order.bytes),
    ),
  );
  const command = asPostgres(
    'pgbackrest',
    ...source.options,
    `--stanza=${source.stanza}`,
    `--repo=${order.repository}`,
    `--set=${order.backup}`,
    ...targetArguments(order.target, order.timeline),
    '--delta',
    '--force',
    ...(cluster.walDir ? ['--link-all'] : []),
    '--log-level-console=info',
    'restore',
  );
  await op.step(host, `restore backup ${order.backup}`, 'pgbackrest', 'run', (remote) =>
    remote.unit(
      'restore',
      // Patroni's file beside the data holds settings of the backup's cluster.
      `${awaitEnd('hapg-recover.service', 1)}
${command} || exit 1
${placeWal(dataDir, cluster.walDir)}
${source.own ? ':' : `rm -f ${data}/patroni.dynamic.json`}`,
      transfer(order.bytes),
      {
        script: copyProgress(dataDir),
        describe: (answer) => copyProgressLine('restoring', answer, order.bytes),
      },
    ),
  );
  await op.step(host, 'recover to the target', 'patroni', 'run', async (remote) => {
    const psql = asPostgres(
      ...[
        `${cluster.binDir}/psql`,
        '-XAtq',
        '-h',
        SOCKETS,
        '-p',
        String(cluster.settings.postgres.port),
        '-d',
        'postgres',
      ],
    );
    await remote.unit(
      'recover',
      `${ownDirectories(SOCKETS)}
prepared=$(${controlData(cluster.binDir, dataDir, 'max_prepared_xacts setting')}) || { echo 'pg_controldata does not report max_prepared_xacts'; exit 1; }
${asPostgres(`${cluster.binDir}/postgres`, '-D', dataDir)} -c max_prepared_transactions="$prepared" ${words(...recoverySettings(host, context, source))} > ${PATHS.log}/recovery.log 2>&1 &
pid=$!
while sleep 0.5; do
  if [ "$(${psql} -c 'select pg_is_in_recovery()' 2>/dev/null)" = f ]; then break; fi
  kill -0 $pid 2>/dev/null || { grep -E 'FATAL|recovery ended' ${PATHS.log}/recovery.log | tail -n 3; exit 1; }
done
${psql} -c checkpoint
kill -INT $(head -n 1 ${data}/postmaster.pid)
wait $pid`,
      transfer(order.bytes),
      { script: copyProgress(dataDir), describe: replayProgressLine },
    );
    const end = await remote.run(recoveryEnd(dataDir));
    if (!reachedTarget(order.target, end))
      throw new Error(
        `recovery ended, and the new timeline does not prove that the target was reached (${end.trim() || 'it has no history'}; see ${PATHS.log}/recovery.log); the former data is in ${keptDirectory(host, order)}. Name another target, and the restore continues with that`,
      );
  });
}

/** Database hosts, beginning with the one that is restored first. */
export const restoredFirst = (cluster: Cluster, { host }: RestoreOrder): Host[] =>
  [...hostsWith(cluster, 'patroni')].sort((a, b) => Number(b.name === host) - Number(a.name === host));
