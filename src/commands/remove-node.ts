import { apply } from '../../playbooks/apply.ts';
import { dropSlots, retire, writeOff } from '../../playbooks/remove-node.ts';
import { chooseCandidate, switchOver } from '../../playbooks/switchover.ts';
import { waits } from '../bounds/waits.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { areLost, lossesOf, lossesOfLost, mayRemove, mayWriteOff } from '../decisions/growth.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import { all } from '../decisions/verdict.ts';
import { converge, surveyAll } from '../engine/converge.ts';
import type { Operation } from '../engine/operation.ts';
import { UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { removeHost, writeInventory } from '../inventory/edit.ts';
import { loadInventory, onlyTheLast } from '../inventory/load.ts';
import { type Cluster, type Host, inventoryFiles } from '../inventory/model.ts';
import { whenSteady } from '../run/calm.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';
import type { SecretStore } from '../secrets/store.ts';

/**
 * The inventory without some hosts, as text and as a model. Throws UsageError where it cannot be edited or is not
 * valid.
 */
function without(cluster: Cluster, text: string, hosts: readonly Host[], extra: readonly string[]) {
  const names = hosts.map(({ name }) => name);
  const files = inventoryFiles(cluster);
  let left: string;
  try {
    left = names.reduce(removeHost, text);
  } catch (cause) {
    throw new UsageError(`${fromHere(cluster.file)}: ${(cause as Error).message}${onlyTheLast(cluster.under)}`);
  }
  let rest: Cluster;
  try {
    rest = loadInventory(files, extra, () => left).cluster;
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(`the inventory would not be valid without ${names.join(', ')}:\n${cause.message}`);
  }
  const still = rest.hosts.filter(({ name }) => names.includes(name)).map(({ name }) => name);
  if (still.length > 0)
    throw new UsageError(
      `${still.join(', ')}: also in ${cluster.under.join(', ')}, which hapg does not edit: take it out there`,
    );
  return { text: left, rest, written: false };
}

/** The flags of `hapg remove-node`. */
export interface RemoveOptions extends OperateOptions {
  switchover: boolean;
  gone: boolean;
}

/** Writes the inventory without these hosts, applies it to the others, and removes what is kept for the hosts. */
async function settleWithout(
  op: Operation,
  hosts: readonly Host[],
  left: { text: string; rest: Cluster; written: boolean },
  store: SecretStore,
): Promise<void> {
  const { text, rest } = left;
  writeInventory(rest.file, text);
  left.written = true;
  const remaining = op.through(rest);
  const secrets = store.through(rest);
  await secrets.complete();
  await secrets.save();
  await converge(remaining, await surveyAll(remaining, apply, secrets));
  for (const host of hosts) if (host.roles.has('patroni')) await dropSlots(remaining, host.name);
}

/** `hapg remove-node`. Throws UsageError for several names without --gone. */
export async function removeCommand(names: readonly string[], options: RemoveOptions): Promise<number> {
  if (options.gone) return removeLost(names, options);
  if (names.length > 1) throw new UsageError('hosts leave one at a time; several only with --gone, when they are lost');
  return removeOne(names[0]!, options);
}

/** `hapg remove-node`: takes a host out of the cluster. Its data directory stays, and backups are never touched. */
const removeOne = (name: string, options: RemoveOptions): Promise<number> =>
  operate('remove-node', { ...options, named: [{ how: name, name }] }, async (op, snapshot, setup, store) => {
    const { cluster } = op;
    const host = op.host(name);
    // Checked before anything is touched: the remaining inventory must be valid.
    const left = without(cluster, setup.text, [host], options.extra);
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
        ...(host.roles.has('patroni') ? [`  its data stays in ${host.dataDir}`] : []),
      ].join('\n'),
      question: `Remove ${name} from ${cluster.name}?`,
      hosts: [host],
      run: async () => {
        if (leads) await switchOver(op);
        await retire(op, host, waits(op.cluster.timing));
        await settleWithout(op, [host], left, store);
      },
      after: left.rest,
      onFailure: () => (left.written ? left.rest : cluster),
    };
  });

/** Time until Patroni drops a member: its ttl and two cycles (ms). */
const goneMs = ({ timing: { patroni } }: Cluster): number => (patroni.ttl + 2 * patroni.loop_wait) * 1000;

/** `hapg remove-node --gone`: removes hosts that are lost for good, all at once, from what the others keep of them. */
const removeLost = (names: readonly string[], options: OperateOptions): Promise<number> =>
  operate(
    'remove-node',
    {
      ...options,
      asItIs: true,
      named: names.map((name) => ({ how: name, name })),
      goesWithout: ({ name }) => names.includes(name),
    },
    async (op, found, setup, store) => {
      const { cluster } = op;
      const hosts = names.map((name) => op.host(name));
      const left = without(cluster, setup.text, hosts, options.extra);
      const others = { ...cluster, hosts: cluster.hosts.filter((one) => !hosts.includes(one)) };
      const judge = (snapshot: Snapshot) =>
        all(areLost(snapshot, hosts), steady(others, snapshot, DEFAULT_LIMITS), mayWriteOff(cluster, snapshot, hosts));
      // The others list a lost member until its ttl is over; one that answers is not lost.
      const answers = hosts.some(({ name }) => found.observations.has(name));
      const snapshot = answers ? found : await whenSteady(op, goneMs(cluster), found, judge);
      refuseUnless(judge(snapshot));
      return {
        explain: [
          `${names.join(', ')} ${names.length > 1 ? 'are lost for good: they are' : 'is lost for good: it is'} removed from the other hosts of ${cluster.name} and from the inventory`,
          ...lossesOfLost(cluster, snapshot, hosts).map((loss) => `  ! ${loss}`),
          '  ! what is lost must not come back as it was; where others may get at its disks, "hapg secrets rotate" afterwards',
        ].join('\n'),
        question: `Remove ${names.join(', ')} from ${cluster.name}?`,
        hosts,
        run: async () => {
          for (const host of hosts) await writeOff(op, host, waits(op.cluster.timing));
          await settleWithout(op, hosts, left, store);
        },
        after: left.rest,
        onFailure: () => (left.written ? left.rest : cluster),
      };
    },
  );
