import { archiveAll, backupHost, lastCommit } from '../../playbooks/backup.ts';
import { databasesAmong, type ExtractOrder, extract, type Part, schemaIn } from '../../playbooks/extract.ts';
import { describeTarget, type Target } from '../cluster/restore-target.ts';
import { backupFor, mayExtract } from '../decisions/restore.ts';
import type { Operation } from '../engine/operation.ts';
import { Refused, UsageError } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';
import { bytes } from '../units.ts';
import { expectRepositories } from './backup.ts';
import type { RestoreOptions } from './restore.ts';
import { archivedTimeline, targetOf } from './restore-order.ts';

/** The flags of a restore of a part. */
export interface PartOptions extends RestoreOptions {
  database?: string;
  table?: string;
  as?: string;
}

const NAME = /^[a-z_][a-z0-9_]{0,62}$/;
/** The longest name that PostgreSQL keeps (bytes). */
const LONGEST = 63;

/** A name for what is brought back: what it was, and when it was asked for (UTC). */
function nameFor(what: string, now: Date): string {
  const suffix = `_restored_${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')}`;
  return `${what.slice(0, LONGEST - suffix.length)}${suffix}`;
}

/** Reads what is to be brought back, and under which name. Throws UsageError. */
export function partOf(options: PartOptions, now: Date): Part {
  const { database, table, as } = options;
  if (database === undefined)
    throw new UsageError(`--${table === undefined ? 'as' : 'table'} goes with --database DATABASE`);
  for (const flag of ['into', 'on', 'confirm'] as const)
    if (options[flag] !== undefined)
      throw new UsageError(
        `--${flag} is for a whole cluster: a part is restored on the host that leads, beside what is there`,
      );
  const [schema, name] = table?.includes('.') ? (table.split('.', 2) as [string, string]) : ['public', table];
  for (const [flag, value] of Object.entries({ database, table: name, 'schema of --table': schema, as }))
    if (value !== undefined && !NAME.test(value))
      throw new UsageError(`--${flag} ${value}: a name of lower-case letters, digits and _, at most ${LONGEST}`);
  if (table !== undefined && table.split('.').length > 2)
    throw new UsageError(`--table ${table}: TABLE or SCHEMA.TABLE; the database is --database`);
  if (as?.startsWith('pg_')) throw new UsageError(`--as ${as}: names that begin with pg_ are PostgreSQL's own`);
  return {
    database,
    table: name === undefined ? undefined : `${schema}.${name}`,
    as: as ?? nameFor(name ?? database, now),
  };
}

/** Throws Refused where the new place exists already, or a table has no database to come back to. */
async function expectPlace(op: Operation, host: Host, { database, table, as }: Part): Promise<void> {
  const wanted = table === undefined ? [as] : [database];
  const there = (await op.ask(host, 'names of databases', databasesAmong(op.cluster, wanted)))
    .split('\n')
    .filter(Boolean);
  if (table === undefined) {
    if (there.includes(as)) throw new Refused(`there is a database ${as} already: name another one with --as`, 'taken');
    return;
  }
  if (!there.includes(database))
    throw new Refused(`the cluster has no database ${database}: restore all of it, without --table`, 'restore_target');
  if ((await op.ask(host, 'names of schemas', schemaIn(op.cluster, database, as))).trim())
    throw new Refused(`there is a schema ${as} in ${database} already: name another one with --as`, 'taken');
}

/**
 * `hapg restore --database`: brings back a database or a table as it was, as a new database or in a new schema. Nothing
 * that is there is written over, so no name has to be typed.
 */
export function restorePartCommand(options: PartOptions): Promise<number> {
  const part = partOf(options, new Date());
  const target: Target | undefined = targetOf(options);
  if (!target) throw new UsageError('to when? --latest, --to-time, --to-lsn or --to-name');
  const what = part.table === undefined ? `database ${part.database}` : `table ${part.table} of ${part.database}`;
  const place = part.table === undefined ? `database ${part.as}` : `schema ${part.as}`;
  return operate('restore', options, async (op, snapshot) => {
    const { cluster } = op;
    expectRepositories(cluster);
    const { repository, leader } = snapshot;
    refuseUnless(
      mayExtract(cluster, snapshot, target, options.backup, {
        repository,
        lastCommit: await lastCommit(op),
        now: Date.now(),
      }),
    );
    const host = op.host(leader!.name);
    await expectPlace(op, host, part);
    const backup = backupFor(target, repository!.backups, options.backup)!;
    const timeline = snapshot.timeline ?? archivedTimeline(repository!.archive);
    const order: ExtractOrder = { ...part, target, backup, timeline };
    return {
      explain: [
        `${what} as it was at ${describeTarget(target)}, from backup ${backup.label}, as the new ${place}`,
        `  ${bytes(backup.sizeBytes)} are restored beside the database on ${host.name}, and removed again; nothing that is there is changed`,
      ].join('\n'),
      question: `Restore ${what} of ${cluster.name} as ${part.as}?`,
      hosts: [host],
      document: () => ({
        target: describeTarget(target),
        backup: backup.label,
        database: part.database,
        table: part.table ?? null,
        as: part.as,
      }),
      run: async () => {
        op.stage('archive', [backupHost(op, snapshot)]);
        await archiveAll(op);
        await extract(op, host, order);
      },
    };
  });
}
