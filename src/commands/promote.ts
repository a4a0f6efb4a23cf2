import { takeBackup } from '../../playbooks/backup.ts';
import { converge, surveyAll } from '../../playbooks/grow.ts';
import { promote, sourceAnswers } from '../../playbooks/promote.ts';
import { mayPromote } from '../cluster/decisions/standby.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { type KnownError, Refused, UsageError } from '../errors.ts';
import { removeKey, writeInventory } from '../inventory/edit.ts';
import { loadInventory } from '../inventory/load.ts';
import type { Cluster } from '../inventory/model.ts';
import { type OperateOptions, operate, refuseUnless } from './operate.ts';

/** What is known of how far the copy is behind its source. */
function behind({ leader, observations }: Snapshot): string {
  const sql = leader && observations.get(leader.name)?.sql;
  return sql?.replayed
    ? `the last transaction that is here was committed at ${sql.replayed}; what was committed at the source after it is not here`
    : 'nothing tells which transaction was the last to arrive here';
}

/** The model with `standby_of` still in it; the reason where the source's inventory cannot be read, which is no obstacle. */
function withSource(file: string, extra: readonly string[]): Cluster | string {
  try {
    return loadInventory(file, extra).cluster;
  } catch (cause) {
    return (cause as KnownError).message.split('\n')[0]!;
  }
}

/**
 * `hapg promote`: a standby cluster becomes one that takes writes. Then `standby_of` is taken out of the inventory, and
 * the cluster is brought to what is left: backups, synchronous replication. One that was interrupted goes on. It needs
 * nothing of its source, not even the inventory, for all of it may be lost.
 */
export const promoteCommand = (options: OperateOptions & { besideSource: boolean }): Promise<number> => {
  if (options.extra.some((one) => one.startsWith('standby_of')))
    throw new UsageError('standby_of is taken out of the inventory, so it has to be in there');
  let named = false;
  return operate(
    'promote',
    { ...options, asItIs: true },
    async (op, snapshot, made, store) => {
      const { cluster } = op;
      const { leader } = snapshot;
      const copies = leader?.role === 'standby_leader';
      const host = leader && op.host(leader.name);
      const answers = copies && host && !options.besideSource ? await sourceAnswers(op, host) : [];
      refuseUnless(mayPromote(snapshot, answers, options.besideSource));
      if (copies && snapshot.observations.get(host!.name)?.sql === undefined)
        throw new Refused(`${host!.name}: PostgreSQL does not answer, so nobody knows what it has`);
      // The newest passwords of the accounts that are here.
      const before = withSource(cluster.file, options.extra);
      if (typeof before === 'string')
        op.session.options.emit({ type: 'note', text: `accounts as at the last apply, for ${before}` });
      const adopting = typeof before !== 'string' && before.source ? store.through(before) : undefined;
      await adopting?.complete();
      await store.complete();
      const left = copies ? undefined : await surveyAll(op, store);
      if (left && left.plan.changes.length === 0 && !named) return undefined;
      return {
        explain: copies
          ? `${cluster.name} is no standby any more: ${host!.name} leads and takes writes\n  ${behind(snapshot)}\n  ! whatever was its source must not come back and take writes too: keep its Patroni down`
          : `${host!.name} takes writes already; what is left of it is done (${left!.plan.changes.length} changes)`,
        question: copies ? `Promote ${cluster.name}?` : `Go on with ${cluster.name}?`,
        hosts: cluster.hosts,
        run: async () => {
          const known = new Set(snapshot.repository?.backups.map((one) => one.label));
          if (copies) await promote(op, host!, options.besideSource);
          writeInventory(cluster.file, made.text);
          await adopting?.save();
          await store.save();
          await converge(op, await surveyAll(op, store));
          // No older backup reaches what is written from now on.
          const { repository } = await op.look();
          const isNew = repository?.backups.some((one) => one.type === 'full' && !known.has(one.label));
          if (copies && cluster.repositories.length > 0 && !isNew) await takeBackup(op, 'full');
        },
      };
    },
    (text) => {
      const without = removeKey(text, 'standby_of');
      named = without !== text;
      return without;
    },
  );
};
