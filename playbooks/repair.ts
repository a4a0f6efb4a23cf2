import { changing, dcsMember, election, lasting } from '../src/bounds/patroni.ts';
import { START_ONE_S, START_S } from '../src/bounds/postgres.ts';
import { DCS_ALONE_S, QUICK_S } from '../src/bounds/programs.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { dcsHealthy } from '../src/decisions/dcs.ts';
import { type Damage, type DcsRemains, findDamage } from '../src/decisions/repair.ts';
import { type Verdict, verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, dcsHosts, dcsRole, type Host } from '../src/inventory/model.ts';
import { beginStart, resetFailed, start as startUnit, stop } from '../src/programs/systemd.ts';
import { dcsMembers } from './dcs/index.ts';
import { parseRemains, reaching } from './dcs/remains.ts';

/**
 * Finds lasting damage: a healthy member that was between two leaders for a moment must not be replaced. `known` is an
 * earlier assessment: the same damage has then lasted long enough.
 */
export async function assess(op: Operation, known?: Assessment): Promise<Assessment> {
  const began = op.clock.now();
  for (let [first, since]: [Assessment | undefined, number] = [undefined, began]; ; await op.pause(1000, true)) {
    const snapshot = await op.observe();
    const { damages, verdict } = findDamage(op.cluster, snapshot, await dcsRemains(op));
    const now = { snapshot, damages, verdict };
    const clear = verdict.ok && damages.every(({ kind }) => kind === 'start-dcs');
    if (clear || (known && isAlike(known, now)) || op.clock.now() - began > changing(op.cluster.timing)) return now;
    if (!first || !isAlike(first, now)) [first, since] = [now, op.clock.now()];
    else if (op.clock.now() - since >= lasting(op.cluster.timing)) return now;
  }
}

/** A snapshot with its damages and verdict. */
export interface Assessment {
  snapshot: Snapshot;
  damages: Damage[];
  verdict: Verdict;
}

const isAlike = (one: Assessment, other: Assessment): boolean => {
  const words = ({ damages, verdict }: Assessment) => [
    ...damages.map(({ found }) => found),
    ...(verdict.ok ? [] : verdict.reasons),
  ];
  return words(one).join('\n') === words(other).join('\n');
};

/** Reads what is left of the DCS on each of its hosts; changes nothing. */
async function dcsRemains(op: Operation): Promise<Map<string, DcsRemains>> {
  const remains = new Map<string, DcsRemains>();
  for (const host of dcsHosts(op.cluster))
    remains.set(
      host.name,
      parseRemains(
        await op.ask(
          host,
          `what is left of ${op.cluster.dcs.label}`,
          `${dcsMembers(op.cluster)!.remains(op.cluster)}\n${reaching(op.cluster, host)}`,
        ),
      ),
    );
  return remains;
}

/** Describes the repair of a damage. */
export function cureOf(cluster: Cluster, damage: Damage): string {
  switch (damage.kind) {
    case 'start-dcs':
      return 'it is started';
    case 'replace-dcs-member':
      return dcsMembers(cluster)!.replacement;
    case 'recover-quorum':
      return `a copy of its data is kept, it continues alone with its data, and ${damage.lost.map((host) => host.name).join(', ')} join it, one after another; PostgreSQL keeps running meanwhile as far as failsafe mode lets it`;
    case 'refill-dcs':
      return `the key that identifies the database (${damage.systemIdentifier}) is written again, and ${damage.host.name}, which led last, leads first; no database is created`;
  }
}

/**
 * Repairs the first damage, or starts all stopped members at once, because one alone may wait for the others. Rejects
 * with StepFailed. Every phase can be repeated.
 */
export async function repair(op: Operation, damages: readonly [Damage, ...Damage[]]): Promise<void> {
  const members = dcsMembers(op.cluster)!;
  const [damage] = damages;
  const stopped = damages.filter(({ kind }) => kind === 'start-dcs').map(({ host }) => host);
  op.stage(damage.kind.replaceAll('-', ' '), damage.kind === 'start-dcs' ? stopped : [damage.host]);
  switch (damage.kind) {
    case 'start-dcs':
      return start(op, stopped);
    case 'replace-dcs-member':
      return members.replace(op, damage.host);
    case 'recover-quorum':
      return recoverQuorum(op, damage.host);
    case 'refill-dcs':
      return refill(op, damage.host, damage.systemIdentifier);
  }
}

/** Starts members of the DCS; the next observation shows whether they are healthy. */
async function start(op: Operation, hosts: readonly Host[]): Promise<void> {
  const { label } = op.cluster.dcs;
  const { unit } = dcsMembers(op.cluster)!;
  for (const host of hosts)
    await op.step(host, `start ${label}`, dcsRole(op.cluster)!, 'run', (remote) => remote.run(beginStart(unit)));
  for (const end = op.clock.now() + START_S * 1000; op.clock.now() < end; await op.pause(1000, true)) {
    const { dcs } = await op.observe();
    if (hosts.every((host) => dcs.members.some(({ name, healthy }) => name === host.name && healthy))) return;
  }
}

/**
 * Recovers the quorum: one member continues alone with its data, and the others join it anew, because their data
 * belongs to a membership that no longer exists.
 */
async function recoverQuorum(op: Operation, host: Host): Promise<void> {
  const { cluster } = op;
  const { label } = cluster.dcs;
  const role = dcsRole(cluster)!;
  const { alone, replace, unit } = dcsMembers(cluster)!;
  const others = dcsHosts(cluster).filter((other) => other !== host);
  for (const other of others) await op.step(other, `stop ${label}`, role, 'run', (remote) => remote.run(stop(unit)));
  await op.step(host, 'go on alone', role, 'run', (remote) => remote.run(alone(cluster, host), DCS_ALONE_S));
  await op.until(host, `${label} of one`, dcsMember(cluster.timing), (snapshot) =>
    verdict(snapshot.dcs.quorum ? [] : [`${label} does not answer yet`]),
  );
  for (const other of others) await replace(op, other);
  await op.until(host, `${label} whole`, dcsMember(cluster.timing), (snapshot) => dcsHealthy(cluster, snapshot));
}

/**
 * Writes the initialize key, only if there is none, and lets the last leader lead before any other member starts: with
 * an empty DCS, Patroni takes whichever member comes first.
 */
async function refill(op: Operation, host: Host, systemIdentifier: string): Promise<void> {
  const { cluster } = op;
  const member = dcsHosts(cluster)[0]!;
  const key = `${cluster.dcsPath}initialize`;
  await op.step(member, 'write the initialize key', dcsRole(cluster)!, 'create', (remote) =>
    remote.run(dcsMembers(cluster)!.create(cluster, member, key, systemIdentifier), QUICK_S),
  );
  await op.step(host, 'lead', 'patroni', 'run', async (remote) => {
    await remote.run(`${resetFailed('patroni.service')}\n${startUnit('patroni.service', START_S + 5)}`, START_ONE_S);
    await op.until(host, 'leading', election(cluster.timing), ({ leaders, initialize }) =>
      verdict([
        ...(initialize === systemIdentifier ? [] : [`the initialize key is ${initialize ?? 'absent'}`]),
        ...(leaders.join() === host.name ? [] : [`${leaders.join(' and ') || 'nobody'} leads`]),
      ]),
    );
  });
}
