import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeBytes } from '../../playbooks/grow.ts';
import {
  archiveAll,
  asideOf,
  backupHost,
  lastCommit,
  type Phase,
  type RestoreOrder,
  restore,
} from '../../playbooks/restore.ts';
import { backupFor, mayRestore } from '../cluster/decisions/restore.ts';
import { describeTarget, parseTarget, type Target, type TargetFlags } from '../cluster/restore-target.ts';
import type { Operation } from '../engine/operation.ts';
import { Refused, UsageError } from '../errors.ts';
import { type Cluster, hostsWith } from '../inventory/model.ts';
import { duration } from '../view/style.ts';
import { expectRepositories } from './backup.ts';
import { type OperateOptions, operate, refuseUnless } from './operate.ts';

export interface RestoreOptions extends OperateOptions, TargetFlags {
  backup?: string;
  on?: string;
  confirm?: string;
}

const orderFile = (cluster: Cluster): string => join(cluster.stateDir, 'restore.json');

function readOrder(cluster: Cluster): RestoreOrder | undefined {
  if (!existsSync(orderFile(cluster))) return undefined;
  return JSON.parse(readFileSync(orderFile(cluster), 'utf8'), (key, value) =>
    key === 'at' ? new Date(value as string) : value,
  ) as RestoreOrder;
}

function writeOrder(cluster: Cluster, order: RestoreOrder): void {
  writeFileSync(`${orderFile(cluster)}.new`, JSON.stringify(order), { mode: 0o600 });
  renameSync(`${orderFile(cluster)}.new`, orderFile(cluster));
}

/** Throws UsageError unless the flags name one target; undefined when they name none, which continues a restore. */
function targetOf(options: RestoreOptions): Target | undefined {
  const { toTime, toLsn, toName, latest } = options;
  if (toTime === undefined && toLsn === undefined && toName === undefined && !latest) return undefined;
  try {
    return parseTarget(options);
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
}

/**
 * `hapg restore`: the cluster as it was at a moment, an LSN, a restore point or the end of the archive. What is there now
 * is moved aside; the cluster's name has to be typed; a restore that died is continued by the same command.
 */
export function restoreCommand(options: RestoreOptions): Promise<number> {
  const wanted = targetOf(options);
  return operate(
    'restore',
    { ...options, typed: options.confirm, asItIs: true },
    async (op, snapshot, _made, store) => {
      const { cluster } = op;
      expectRepositories(cluster);
      const begun = readOrder(cluster);
      const another = begun && wanted && describeTarget(wanted) !== describeTarget(begun.target);
      if (another && begun.done.includes('restored'))
        throw new Refused(
          `a restore to ${describeTarget(begun.target)} is under way (${begun.done.join(', ') || 'just begun'}); run "hapg restore" without a target to go on`,
        );
      if (!begun && !wanted) throw new UsageError('where to? --to-time, --to-lsn, --to-name or --latest');
      const fresh = !begun || another ? await makeOrder(op, snapshot, wanted!, options) : begun;
      // Another target for a restore that did not reach its own: what was stopped and moved aside stays as it is.
      const order = another ? { ...fresh, host: begun.host, stamp: begun.stamp, done: begun.done } : fresh;
      const host = op.host(order.host);
      return {
        explain: [
          begun
            ? `going on with the restore to ${describeTarget(order.target)} (done: ${order.done.join(', ') || 'nothing'})`
            : `${cluster.name} as it was at ${describeTarget(order.target)}, from backup ${order.backup}`,
          ...(await losses(op, order)),
          `  the present data of ${host.name} is moved to ${asideOf(cluster, order)}; to go back, stop Patroni everywhere and move it to ${cluster.dataDir} again`,
        ].join('\n'),
        question: `Restore ${cluster.name}?`,
        typed: cluster.name,
        hosts: hostsWith(cluster, 'patroni'),
        document: () => ({ target: describeTarget(order.target), backup: order.backup, kept: asideOf(cluster, order) }),
        run: async () => {
          if (!begun && snapshot.leader) {
            op.stage('archive', [backupHost(op, snapshot)]);
            await archiveAll(op);
          }
          writeOrder(cluster, order);
          await restore(op, store, order, (phase: Phase) => {
            order.done.push(phase);
            writeOrder(cluster, order);
          });
          rmSync(orderFile(cluster));
        },
      };
    },
  );
}

/** Decides where to restore from and on which host. Throws Refused with every reason. */
async function makeOrder(
  op: Operation,
  snapshot: Awaited<ReturnType<Operation['look']>>,
  target: Target,
  options: RestoreOptions,
): Promise<RestoreOrder> {
  const { cluster } = op;
  const name = options.on ?? snapshot.leader?.name ?? hostsWith(cluster, 'patroni')[0]!.name;
  const host = hostsWith(cluster, 'patroni').find((one) => one.name === name);
  if (!host) throw new UsageError(`--on ${name}: ${cluster.file} has no such database host`);
  const { repository } = snapshot;
  refuseUnless(
    mayRestore(cluster, snapshot, target, options.backup, {
      repository,
      lastCommit: await lastCommit(op),
      freeBytes: Number(await op.ask(host, 'free space', freeBytes(cluster))),
      now: Date.now(),
    }),
  );
  // The first eight digits of a segment's name are its timeline.
  const archived = Number.parseInt(repository?.archive?.max.slice(0, 8) ?? '1', 16);
  const backup = backupFor(target, repository!.backups, options.backup)!;
  return {
    target,
    timeline: snapshot.timeline ?? archived,
    backup: backup.label,
    repository: backup.repository,
    host: host.name,
    stamp: new Date().toISOString().replace(/[-:]|\.\d+Z$/g, ''),
    done: [],
  };
}

/** What is given up: everything that was committed after the target. */
async function losses(op: Operation, { target, done }: RestoreOrder): Promise<string[]> {
  if (target.kind === 'latest' || done.length > 0) return [];
  if (target.kind !== 'time') return ['  ! every transaction after that is given up'];
  const last = await lastCommit(op);
  const span = last === undefined ? '' : ` (${duration(Math.max(0, last - target.at.getTime()))} of work)`;
  return [`  ! every transaction after that is given up${span}`];
}
