import { converge, surveyAll } from '../../playbooks/grow.ts';
import { dropSlots, forget, retire } from '../../playbooks/shrink.ts';
import { DEFAULT_WAITS } from '../../playbooks/step-aside.ts';
import { chooseCandidate, switchOver } from '../../playbooks/switchover.ts';
import { isGone, lossesOf, mayRemove } from '../cluster/decisions/growth.ts';
import { DEFAULT_LIMITS, steady } from '../cluster/decisions/update.ts';
import { all } from '../cluster/decisions/verdict.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { UsageError } from '../errors.ts';
import { removeHost, writeInventory } from '../inventory/edit.ts';
import { loadInventory } from '../inventory/load.ts';
import type { Cluster } from '../inventory/model.ts';
import { type OperateOptions, operate, refuseUnless, whenSteady } from './operate.ts';

/** Throws UsageError where the inventory cannot be edited. */
function without(text: string, name: string): string {
  try {
    return removeHost(text, name);
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
}

/** What is left must be a valid inventory. Throws UsageError that says so. */
function valid(name: string, load: () => Cluster): Cluster {
  try {
    return load();
  } catch (cause) {
    throw cause instanceof UsageError
      ? new UsageError(`the inventory would not be valid without ${name}:\n${cause.message}`)
      : cause;
  }
}

/**
 * `hapg remove-node`: a host leaves; its data directory stays where it is, and backups are never touched. With `gone` it is
 * lost for good: the others forget it.
 */
export const removeNodeCommand = (
  name: string,
  options: OperateOptions & { switchover: boolean; gone: boolean },
): Promise<number> =>
  operate(
    'remove-node',
    { ...options, asItIs: options.gone, goesWithout: (host) => options.gone && host.name === name },
    async (op, found, made, store) => {
      const { cluster } = op;
      const host = cluster.hosts.find((one) => one.name === name);
      if (!host) throw new UsageError(`${cluster.file} has no host ${name}`);
      // Both before anything is touched: what is left must be a valid inventory.
      const text = without(made.text, name);
      const rest = valid(name, () => loadInventory(cluster.file, options.extra, () => text).cluster);
      const others = { ...cluster, hosts: cluster.hosts.filter((one) => one !== host) };
      const judge = (snapshot: Snapshot) =>
        all(steady(others, snapshot, DEFAULT_LIMITS), options.gone ? isGone(snapshot, host) : { ok: true });
      if (options.gone && found.observations.has(name)) refuseUnless(isGone(found, host));
      // The others take a lost member for one of theirs until its time is over.
      const snapshot = options.gone ? await whenSteady(op, goneMs(cluster), found, judge) : found;
      const leads = snapshot.leader?.name === name;
      const after = leads && options.switchover ? { ...snapshot, leader: undefined } : snapshot;
      refuseUnless(
        all(
          judge(snapshot),
          mayRemove(cluster, after, host),
          leads && options.switchover ? chooseCandidate(cluster, snapshot).verdict : { ok: true },
        ),
      );
      const losses = lossesOf(cluster, snapshot, host);
      return {
        explain: [
          options.gone
            ? `${name} is lost for good: the others of ${cluster.name} forget it, and it is taken out of the inventory`
            : `${name} leaves ${cluster.name}: ${leads ? 'another member leads first, ' : ''}services off, taken out of the inventory`,
          ...losses.map((loss) => `  ! ${loss}`),
          ...(options.gone
            ? [
                `  ! it must not come back as it was; where others may get at its disks, "hapg secrets rotate" afterwards`,
              ]
            : host.roles.has('patroni')
              ? [`  its data stays in ${cluster.dataDir}`]
              : []),
        ].join('\n'),
        question: `Remove ${name} from ${cluster.name}?`,
        hosts: [host],
        run: async () => {
          if (leads) await switchOver(op);
          await (options.gone ? forget : retire)(op, host, DEFAULT_WAITS);
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
    },
  );

/** Patroni's time to live of a member and two of its cycles; milliseconds. */
const goneMs = ({ timing: { patroni } }: Cluster): number => (patroni.ttl + 2 * patroni.loop_wait) * 1000;
