import { resolve } from 'node:path';
import { tablespacesOf } from '../../playbooks/backup.ts';
import { clone } from '../../playbooks/clone.ts';
import { roomOn } from '../../playbooks/inspect-host.ts';
import type { Phase } from '../../playbooks/recover.ts';
import { describeTarget } from '../cluster/restore-target.ts';
import { checkIdentity } from '../decisions/admission.ts';
import { backupFor, mayClone, mayRestore } from '../decisions/restore.ts';
import { all } from '../decisions/verdict.ts';
import { holder, lockAll } from '../engine/lock.ts';
import { Operation } from '../engine/operation.ts';
import { Session } from '../engine/session.ts';
import { Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { backupHosts, type Cluster, hostsWith } from '../inventory/model.ts';
import { operate } from '../run/operate.ts';
import { unreachableError } from '../run/reach.ts';
import { refuseUnless } from '../run/refuse.ts';
import { readSetup } from '../run/setup.ts';
import { SecretStore } from '../secrets/store.ts';
import { expectRepositories } from './backup.ts';
import type { RestoreOptions } from './restore.ts';
import {
  archivedTimeline,
  forgetOrder,
  newOrder,
  orderFor,
  restoreTime,
  targetOf,
  writeOrder,
} from './restore-order.ts';

/**
 * `hapg restore --into OTHER`: clones a backup of the cluster of `-i` into the empty hosts of another inventory. The
 * source is not changed. The clone has its own secrets, authorities and stanza, and the source's data up to the target.
 */
export async function cloneCommand(options: RestoreOptions & { into: string }): Promise<number> {
  const wanted = targetOf(options);
  // The overrides are of the copy: the source is as its inventory says.
  const from = readSetup({ ...options, extra: [], quiet: true }).cluster;
  expectRepositories(from);
  if (resolve(options.into) === from.file)
    throw new UsageError(`--into ${options.into}: the clone needs an inventory of its own`);
  const secrets = await SecretStore.read(from);
  if (!secrets)
    throw new Refused(
      `${fromHere(from.stateDir)} has no secret store: ${from.name} has not been applied from here`,
      'store_missing',
    );
  let sessionOfSource: Session | undefined;
  const flags = { ...options, inventory: options.into, asItIs: true, emergency: true, mayBeNew: true };
  try {
    return await operate('restore --into', flags, async (op, snapshot, _made, store) => {
      const { cluster } = op;
      sessionOfSource = new Session(from, { ...op.session.options, secrets: () => [...secrets.all(), ...store.all()] });
      const source = await openSource(op, sessionOfSource, options);
      await secrets.confirmUnchanged();
      const seen = await source.observe(backupHosts(from));
      refuseUnless(checkIdentity(from, seen, secrets.known()));
      const { begun, order } = await orderFor(cluster, wanted, async (target) => {
        const host = cloneHost(cluster, options.on);
        const backup = seen.repository && backupFor(target, seen.repository.backups, options.backup);
        const tablespaces = backup ? await tablespacesOf(source, backupHosts(from)[0]!, backup) : [];
        refuseUnless(
          all(
            mayClone(from, cluster, snapshot),
            mayRestore(from, seen, target, options.backup, {
              repository: seen.repository,
              // The source's members are not asked: recovery itself finds out whether the target is reached.
              lastCommit: undefined,
              room: await roomOn(op, host, tablespaces),
              now: Date.now(),
            }),
          ),
        );
        const made = newOrder(target, backup!, archivedTimeline(seen.repository!.archive), host.name, tablespaces);
        return { ...made, source: from.name };
      });
      if (order.source !== from.name)
        throw new Refused(
          `${cluster.name} is being restored from ${order.source ?? 'its own backup'}; go on with that`,
          'restore',
        );
      return {
        explain: `${begun ? 'continues: ' : ''}${cluster.name} becomes a copy of ${from.name} as it was at ${describeTarget(order.target)}, from backup ${order.backup}\n  ${from.name} stays as it is; users get the passwords of ${cluster.name}'s own secret store`,
        question: `Clone ${from.name} into ${cluster.name}?`,
        hosts: cluster.hosts,
        document: () => ({
          source: from.name,
          target: describeTarget(order.target),
          backup: order.backup,
          restore_ms: restoreTime(op, order),
        }),
        run: async () => {
          await store.complete();
          await store.save();
          writeOrder(cluster, order);
          await clone(op, store, source, secrets, order, (phase: Phase) => {
            order.done.push(phase);
            writeOrder(cluster, order);
          });
          forgetOrder(cluster);
        },
      };
    });
  } finally {
    sessionOfSource?.close();
  }
}

/**
 * The source's hosts that reach its repositories, connected and locked, because a firewall rule is changed for a while.
 */
async function openSource(op: Operation, session: Session, options: RestoreOptions): Promise<Operation> {
  const hosts = backupHosts(session.cluster);
  const unreachable = await session.openAll(hosts);
  if (unreachable.size > 0) throw unreachableError(unreachable);
  const lock = { who: holder(session.options.run, 'restore --into'), waitSeconds: Number(options.lockWait) };
  await lockAll(session, hosts, lock);
  return new Operation(session, op.recorder, lock);
}

function cloneHost(cluster: Cluster, name: string | undefined) {
  const members = hostsWith(cluster, 'patroni');
  const host = name
    ? members.find((one) => one.name === name)
    : (members.find((one) => one.tags.nofailover !== true) ?? members[0]);
  if (!host) throw new UsageError(`--on ${name}: ${fromHere(cluster.file)} has no such database host`);
  return host;
}
