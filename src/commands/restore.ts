import { beforePostgres } from '../../playbooks/apply.ts';
import { archiveAll, backupHost, lastCommit, tablespacesOf } from '../../playbooks/backup.ts';
import { roomOn } from '../../playbooks/inspect-host.ts';
import { keptDirectory, type Phase, type RestoreOrder } from '../../playbooks/recover.ts';
import { restore } from '../../playbooks/restore.ts';
import { epochMs } from '../cluster/moment.ts';
import { describeTarget, type Target, type TargetFlags } from '../cluster/restore-target.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { backupFor, mayRestore } from '../decisions/restore.ts';
import { converge, surveyAll } from '../engine/converge.ts';
import type { Operation } from '../engine/operation.ts';
import { UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { hostsWith, repositoryHost } from '../inventory/model.ts';
import { confirm, notConfirmed } from '../run/ask.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';
import type { SecretStore } from '../secrets/store.ts';
import { duration } from '../view/style.ts';
import { expectRepositories } from './backup.ts';
import {
  archivedTimeline,
  forgetOrder,
  newOrder,
  orderFor,
  restoreTime,
  targetOf,
  writeOrder,
} from './restore-order.ts';

export interface RestoreOptions extends OperateOptions, TargetFlags {
  backup?: string;
  on?: string;
  confirm?: string;
  /** Another inventory, into whose empty hosts the backup is cloned. */
  into?: string;
}

/**
 * `hapg restore`: restores the cluster to a time, an LSN, a restore point or the end of the archive. The present data
 * is moved aside. The operator types the cluster's name. The same command continues an interrupted restore.
 */
export function restoreCommand(options: RestoreOptions): Promise<number> {
  const wanted = targetOf(options);
  return operate(
    'restore',
    {
      ...options,
      typed: options.confirm,
      named: options.on === undefined ? [] : [{ how: `--on ${options.on}`, name: options.on, role: 'patroni' }],
      asItIs: true,
      emergency: true,
    },
    async (op, found, _made, store) => {
      const { cluster } = op;
      expectRepositories(cluster);
      const snapshot = (await waysToRepositories(op, found, store, options)) ?? found;
      const { begun, order } = await orderFor(cluster, wanted, (target) => makeOrder(op, snapshot, target, options));
      const host = op.host(order.host);
      return {
        explain: [
          begun
            ? `going on with the restore to ${describeTarget(order.target)} (done: ${order.done.join(', ') || 'nothing'})`
            : `${cluster.name} as it was at ${describeTarget(order.target)}, from backup ${order.backup}`,
          ...(await losses(op, order)),
          `  the present data of ${host.name} is moved to ${keptDirectory(host, order)}; to go back, stop Patroni everywhere and move it to ${host.dataDir} again`,
        ].join('\n'),
        question: `Restore ${cluster.name}?`,
        typed: cluster.name,
        hosts: hostsWith(cluster, 'patroni'),
        document: () => ({
          target: describeTarget(order.target),
          backup: order.backup,
          kept: keptDirectory(host, order),
          restore_ms: restoreTime(op, order),
        }),
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
          forgetOrder(cluster);
        },
      };
    },
  );
}

/** Decides which backup is restored and on which host. Throws Refused with every reason. */
async function makeOrder(
  op: Operation,
  snapshot: Snapshot,
  target: Target,
  options: RestoreOptions,
): Promise<RestoreOrder> {
  const { cluster } = op;
  const name = options.on ?? snapshot.leader?.name ?? hostsWith(cluster, 'patroni')[0]!.name;
  const host = hostsWith(cluster, 'patroni').find((one) => one.name === name);
  if (!host) throw new UsageError(`--on ${name}: ${fromHere(cluster.file)} has no such database host`);
  const { repository } = snapshot;
  const backup = repository && backupFor(target, repository.backups, options.backup);
  // Without a backup host every database host reaches the repositories, and a lost cluster has no leader.
  const reader = repositoryHost(cluster) ?? (snapshot.leader ? op.host(snapshot.leader.name) : host);
  const tablespaces = backup ? await tablespacesOf(op, reader, backup) : [];
  refuseUnless(
    mayRestore(cluster, snapshot, target, options.backup, {
      repository,
      lastCommit: await lastCommit(op),
      room: await roomOn(op, host, tablespaces),
      now: Date.now(),
    }),
  );
  const timeline = snapshot.timeline ?? archivedTimeline(repository?.archive);
  return newOrder(target, backup!, timeline, host.name, tablespaces);
}

/**
 * Prepares database hosts that were lost, as far as they need to read the repositories: without a backup host no other
 * host can list the backups. Returns the snapshot afterwards; undefined where there was nothing to do. Throws Refused
 * when the operator declines.
 */
async function waysToRepositories(
  op: Operation,
  snapshot: Snapshot,
  store: SecretStore,
  options: RestoreOptions,
): Promise<Snapshot | undefined> {
  if (snapshot.repository || snapshot.exists || repositoryHost(op.cluster)) return undefined;
  const question = 'All database hosts are empty. Set up everything but PostgreSQL there, to reach the repositories?';
  if (!(await confirm(question, options))) throw notConfirmed();
  await converge(op, await surveyAll(op, beforePostgres, store));
  return op.observe();
}

/** Describes what is lost: everything that was committed after the target. */
async function losses(op: Operation, { target, done }: RestoreOrder): Promise<string[]> {
  if (target.kind === 'latest' || done.length > 0) return [];
  if (target.kind !== 'time') return ['  ! every transaction after that is given up'];
  const last = await lastCommit(op);
  const span = last === undefined ? '' : ` (${duration(Math.max(0, last - epochMs(target.at)))} of work)`;
  return [`  ! every transaction after that is given up${span}`];
}
