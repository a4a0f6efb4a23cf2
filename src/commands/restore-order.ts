import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RestoreOrder } from '../../playbooks/recover.ts';
import { describeTarget, parseTarget, type Target, type TargetFlags } from '../cluster/restore-target.ts';
import type { Operation } from '../engine/operation.ts';
import { Refused, UsageError } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';
import type { Backup } from '../observe/repository.ts';
import { PATHS } from '../paths.ts';

const orderFile = (cluster: Cluster): string => join(cluster.stateDir, 'restore.json');

/** The saved form of an interrupted restore; a key that this lacks would be lost when the restore continues. */
const orderSchema = z.object({
  target: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('time'), at: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) }),
    z.object({ kind: z.literal('lsn'), lsn: z.string() }),
    z.object({ kind: z.literal('name'), name: z.string() }),
    z.object({ kind: z.literal('latest') }),
  ]),
  timeline: z.number(),
  backup: z.string(),
  repository: z.number(),
  bytes: z.number(),
  tablespaces: z.array(z.string()).exactOptional(),
  host: z.string(),
  stamp: z.string(),
  done: z.array(z.enum(['stopped', 'forgotten', 'restored', 'leading', 'backed up', 'following'])),
  source: z.string().exactOptional(),
} satisfies Record<keyof RestoreOrder, z.ZodType>);

/**
 * Reads this cluster's unfinished restore; undefined when there is none. Throws Refused when its file cannot be read:
 * nothing else on this machine records what was done.
 */
export function readOrder(cluster: Cluster): RestoreOrder | undefined {
  const file = orderFile(cluster);
  if (!existsSync(file)) return undefined;
  try {
    return orderSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? 'it does not hold a restore' : (cause as Error).message;
    throw new Refused(
      `${file} records an unfinished restore, and cannot be read (${reason}). Restore it from a copy; ${PATHS.restore} on the database hosts describes the restore`,
      'restore',
    );
  }
}

/** Saves the order atomically on this controller. */
export function writeOrder(cluster: Cluster, order: RestoreOrder): void {
  writeFileSync(`${orderFile(cluster)}.new`, JSON.stringify(order), { mode: 0o600 });
  renameSync(`${orderFile(cluster)}.new`, orderFile(cluster));
}

/**
 * Reads the target from the flags; undefined when they name none, which continues a restore. Throws UsageError for
 * several targets.
 */
export function targetOf(options: TargetFlags): Target | undefined {
  const { toTime, toLsn, toName, latest } = options;
  if (toTime === undefined && toLsn === undefined && toName === undefined && !latest) return undefined;
  try {
    return parseTarget(options);
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
}

/** Duration of pgBackRest's restore on the first host (ms); null when another run did it. */
export const restoreTime = ({ recorder }: Operation, { backup }: RestoreOrder): number | null =>
  recorder.done.find((one) => one.step === `restore backup ${backup}`)?.ms ?? null;

/** Removes the order: the restore has ended. */
export const forgetOrder = (cluster: Cluster): void => rmSync(orderFile(cluster), { force: true });

/** Makes a new order: this backup, recovered to the target on `timeline`, on this host first. */
export const newOrder = (
  target: Target,
  backup: Backup,
  timeline: number,
  host: string,
  tablespaces: string[],
): RestoreOrder => ({
  target,
  timeline,
  backup: backup.label,
  repository: backup.repository,
  bytes: backup.sizeBytes,
  tablespaces,
  host,
  stamp: new Date().toISOString().replace(/[-:]|\.\d+Z$/g, ''),
  done: [],
});

/** The newest timeline of an archive: the first eight digits of a segment's name. */
export const archivedTimeline = (archive: { max: string } | undefined): number =>
  Number.parseInt(archive?.max.slice(0, 8) ?? '1', 16);

/**
 * Returns the order to carry out: a new one from `make`, the unfinished one, or the unfinished one with another target
 * unless it has reached its own. Throws Refused or UsageError.
 */
export async function orderFor(
  cluster: Cluster,
  wanted: Target | undefined,
  make: (target: Target) => Promise<RestoreOrder>,
): Promise<{ begun: RestoreOrder | undefined; order: RestoreOrder }> {
  const begun = readOrder(cluster);
  if (begun && (!wanted || describeTarget(wanted) === describeTarget(begun.target))) return { begun, order: begun };
  if (begun?.done.includes('restored'))
    throw new Refused(
      `a restore to ${describeTarget(begun.target)} is under way (${begun.done.join(', ')}); run "hapg restore" without a target to go on`,
      'restore',
    );
  if (!wanted) throw new UsageError('where to? --to-time, --to-lsn, --to-name or --latest');
  const order = await make(wanted);
  // What was stopped and moved aside for the former target stays.
  return { begun, order: begun ? { ...order, host: begun.host, stamp: begun.stamp, done: begun.done } : order };
}
