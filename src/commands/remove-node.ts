import { converge, surveyAll } from '../../playbooks/grow.ts';
import { dropSlots, retire } from '../../playbooks/shrink.ts';
import { DEFAULT_WAITS } from '../../playbooks/step-aside.ts';
import { chooseCandidate, switchOver } from '../../playbooks/switchover.ts';
import { lossesOf, mayRemove } from '../cluster/decisions/growth.ts';
import { DEFAULT_LIMITS, steady } from '../cluster/decisions/update.ts';
import { all } from '../cluster/decisions/verdict.ts';
import { UsageError } from '../errors.ts';
import { removeHost, writeInventory } from '../inventory/edit.ts';
import { loadInventory } from '../inventory/load.ts';
import { type OperateOptions, operate, refuseUnless } from './operate.ts';

/** Throws UsageError where the inventory cannot be edited. */
function without(text: string, name: string): string {
  try {
    return removeHost(text, name);
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
}

/** `hapg remove-node`: a host leaves; its data directory stays where it is, and backups are never touched. */
export const removeNodeCommand = (name: string, options: OperateOptions & { switchover: boolean }): Promise<number> =>
  operate('remove-node', options, async (op, snapshot, made, store) => {
    const { cluster } = op;
    const host = cluster.hosts.find((one) => one.name === name);
    if (!host) throw new UsageError(`${cluster.file} has no host ${name}`);
    // Both before anything is touched: what is left must be a valid inventory.
    const text = without(made.text, name);
    const rest = loadInventory(cluster.file, options.extra, () => text).cluster;
    const leads = snapshot.leader?.name === name;
    const after = leads && options.switchover ? { ...snapshot, leader: undefined } : snapshot;
    refuseUnless(
      all(
        steady({ ...cluster, hosts: cluster.hosts.filter((one) => one !== host) }, snapshot, DEFAULT_LIMITS),
        mayRemove(cluster, after, host),
        leads && options.switchover ? chooseCandidate(cluster, snapshot).verdict : { ok: true },
      ),
    );
    const losses = lossesOf(cluster, snapshot, host);
    return {
      explain: [
        `${name} leaves ${cluster.name}: ${leads ? 'another member leads first, ' : ''}services off, taken out of the inventory`,
        ...losses.map((loss) => `  ! ${loss}`),
        ...(host.roles.has('patroni') ? [`  its data stays in ${cluster.dataDir}`] : []),
      ].join('\n'),
      question: `Remove ${name} from ${cluster.name}?`,
      hosts: [host],
      run: async () => {
        if (leads) await switchOver(op);
        await retire(op, host, DEFAULT_WAITS);
        writeInventory(cluster.file, text);
        const remaining = op.through(rest);
        const secrets = store.through(rest);
        await secrets.complete();
        await secrets.save();
        await converge(remaining, await surveyAll(remaining, secrets));
        if (host.roles.has('patroni')) await dropSlots(remaining, name);
      },
      after: rest,
    };
  });
