import { converge, surveyAll } from '../../playbooks/grow.ts';
import { promote } from '../../playbooks/promote.ts';
import { mayPromote } from '../cluster/decisions/standby.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { Refused, UsageError } from '../errors.ts';
import { removeKey, writeInventory } from '../inventory/edit.ts';
import { loadInventory } from '../inventory/load.ts';
import { type OperateOptions, operate, refuseUnless } from './operate.ts';

/** What is known of how far the copy is behind its source. */
function behind({ leader, observations }: Snapshot): string {
  const sql = leader && observations.get(leader.name)?.sql;
  return sql?.replayed
    ? `the last transaction that is here was committed at ${sql.replayed}; what was committed at the source after it is not here`
    : 'nothing tells which transaction was the last to arrive here';
}

/**
 * `hapg promote`: a standby cluster becomes one that takes writes. Then `standby_of` is taken out of the inventory, and
 * the cluster is brought to what is left: backups, synchronous replication. One that was interrupted goes on.
 */
export const promoteCommand = (options: OperateOptions & { besideSource: boolean }): Promise<number> =>
  operate('promote', options, async (op, snapshot, made, store) => {
    const { cluster } = op;
    if (options.extra.some((one) => one.startsWith('standby_of')))
      throw new UsageError('standby_of is taken out of the inventory, so it has to be in there');
    const text = cluster.source ? removeKey(made.text, 'standby_of') : made.text;
    const after = loadInventory(cluster.file, options.extra, () => text).cluster;
    refuseUnless(mayPromote(snapshot, options.besideSource));
    const leader = op.host(snapshot.leader!.name);
    const leads = snapshot.leader!.role !== 'standby_leader';
    if (leads && !cluster.source) return undefined;
    const from = cluster.source?.name ?? 'its source';
    if (!leads && snapshot.observations.get(leader.name)?.sql === undefined)
      throw new Refused(`${leader.name}: PostgreSQL does not answer, so nobody knows what it has`);
    return {
      explain: leads
        ? `${leader.name} takes writes already; standby_of is taken out of ${cluster.file}`
        : `${cluster.name} is no standby of ${from} any more: ${leader.name} leads and takes writes\n  ${behind(snapshot)}`,
      question: leads ? `Go on with ${cluster.name}?` : `Promote ${cluster.name}?`,
      hosts: cluster.hosts,
      run: async () => {
        if (!leads) await promote(op, leader);
        if (text !== made.text) writeInventory(cluster.file, text);
        const free = op.through(after);
        const secrets = store.through(after);
        await secrets.complete();
        await secrets.save();
        await converge(free, await surveyAll(free, secrets));
      },
      after,
    };
  });
