import { mark, NOT_SYNCHRONOUS, unmark } from '../roles/patroni/marks.ts';
import { OBSERVE_S } from '../src/bounds/hosts.ts';
import { memberExpiry } from '../src/bounds/patroni.ts';
import { checkpoint, START_ALL_S, stop, switchover } from '../src/bounds/postgres.ts';
import { APT_LISTS_S, APT_S } from '../src/bounds/programs.ts';
import { undoFor } from '../src/bounds/undo.ts';
import type { Waits } from '../src/bounds/waits.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { lockstep, rolled, wantsBoot } from '../src/cluster/upgrades.ts';
import { isSynchronous } from '../src/decisions/members.ts';
import {
  backInService,
  type Limits,
  mayTakeOut,
  nextHost,
  notAskedInFailsafe,
  steady,
} from '../src/decisions/update.ts';
import { verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { settleAll, settled } from '../src/engine/pool.ts';
import { commitsWait, type Host, hostsWith } from '../src/inventory/model.ts';
import {
  downloadScript,
  type HostUpgrades,
  LIST_UPGRADES,
  parseUpgrades,
  type Upgrade,
  upgradeScript,
} from '../src/programs/apt.ts';
import { startUnits, stopUnits } from '../src/programs/systemd.ts';
import { unitsOf } from '../src/roles.ts';
import { archiveAll } from './backup.ts';
import { takeOutOfService } from './out-of-service.ts';
import { switchOver } from './switchover.ts';

export interface UpdateOptions {
  reboot: 'auto' | 'always' | 'never';
  securityOnly: boolean;
  switchBack: boolean;
  limits: Limits;
  wait: Waits;
}

/** The work of an update, by host. */
export interface UpdatePlan {
  /** Hosts that are taken out one by one, with their upgrades and reasons to boot. */
  rolling: Map<Host, { upgrades: Upgrade[]; boot: string[] }>;
  /** Hosts whose pgBackRest is upgraded, all in one step at the end. */
  together: Map<Host, Upgrade[]>;
}

/**
 * Asks the package managers of these hosts for upgrades. Rejects with the first host's failure; nothing was changed
 * then.
 */
export async function planUpdate(
  op: Operation,
  hosts: readonly Host[],
  { reboot, securityOnly }: UpdateOptions,
): Promise<{ plan: UpdatePlan; found: Map<Host, HostUpgrades> }> {
  const answers = await settleAll(hosts, op.session.options.forks, async (host) => {
    op.say(host, 'reading the package sources');
    return parseUpgrades(await op.ask(host, 'reading the package sources', LIST_UPGRADES, APT_LISTS_S), securityOnly);
  });
  const found = new Map<Host, HostUpgrades>();
  for (const [index, its] of settled(answers).entries()) found.set(hosts[index]!, its);
  const plan: UpdatePlan = { rolling: new Map(), together: new Map() };
  for (const [host, its] of found) {
    const upgrades = rolled(its);
    const boot =
      reboot === 'never'
        ? []
        : [
            ...(reboot === 'always' ? ['--reboot always'] : []),
            ...its.reboot,
            ...(wantsBoot(upgrades) ? ['packages that are in use from the next boot on'] : []),
          ];
    if (upgrades.length > 0 || boot.length > 0 || its.broken) plan.rolling.set(host, { upgrades, boot });
    if (lockstep(its).length > 0) plan.together.set(host, lockstep(its));
  }
  return { plan, found };
}

/** Downloads all packages before anything is stopped. */
export async function download(op: Operation, plan: UpdatePlan): Promise<void> {
  const wanted = new Map<Host, Upgrade[]>();
  for (const [host, { upgrades }] of plan.rolling) wanted.set(host, upgrades);
  for (const [host, upgrades] of plan.together) wanted.set(host, [...(wanted.get(host) ?? []), ...upgrades]);
  const hosts = [...wanted.keys()].filter((host) => wanted.get(host)!.length > 0);
  if (hosts.length === 0) return;
  op.stage('download', hosts);
  const results = await settleAll(hosts, op.session.options.forks, (host) =>
    op.step(host, `download ${wanted.get(host)!.length} packages`, 'packages', 'run', (remote) =>
      remote.unit('download', downloadScript(wanted.get(host)!), APT_S),
    ),
  );
  settled(results);
}

/**
 * Updates the hosts of a group, one after another, each after a gate; the present snapshot decides which one is next.
 */
export async function roll(
  op: Operation,
  plan: UpdatePlan,
  hosts: readonly Host[],
  options: UpdateOptions,
): Promise<void> {
  const left = new Set(hosts.filter((host) => plan.rolling.has(host)));
  while (left.size > 0) {
    op.checkInterrupt();
    const host = nextHost([...left], await op.observe(op.cluster.hosts, { about: ['members', 'balancers'] }));
    op.stage(`update ${host.name}`, [host]);
    const judge = (snapshot: Snapshot) => mayTakeOut(op.cluster, snapshot, host, options.limits);
    const snapshot = await op.until(host, 'gate', options.wait.gate, judge, {
      everyMs: 1000,
      stoppable: true,
    });
    if (snapshot.leader?.name === host.name) {
      await switchOver(op);
      await op.until(host, 'gate', options.wait.gate, judge, {
        everyMs: 1000,
        stoppable: true,
      });
    }
    await op.between('host_update', { HOST: host.name }, () =>
      takeOut(op, host, plan.rolling.get(host)!, sharedBuffers(snapshot, host.name), options),
    );
    left.delete(host);
  }
}

/**
 * Updates one host: takes it out of service, upgrades it, boots it if needed, brings it back into service, and waits
 * until the cluster is whole. `buffers`: shared memory (bytes).
 */
async function takeOut(
  op: Operation,
  host: Host,
  { upgrades, boot }: { upgrades: Upgrade[]; boot: string[] },
  buffers: number | undefined,
  options: UpdateOptions,
): Promise<void> {
  const { cluster } = op;
  const member = host.roles.has('patroni');
  const units = unitsOf(host);
  await takeOutOfService(op, host, options.wait, buffers, async () => {
    if (!member) return;
    await op.step(host, 'stop patroni', 'patroni', 'run', (remote) =>
      remote.run(stopUnits(['patroni.service']), stop(buffers)),
    );
    await op.until(
      host,
      'leaving failsafe',
      memberExpiry(cluster.timing),
      (snapshot) => notAskedInFailsafe(snapshot, host),
      { about: ['members'] },
    );
  });
  const what = upgrades.length > 0 ? `upgrade ${upgrades.length} packages` : 'stop services';
  await op.step(host, what, 'packages', upgrades.length > 0 ? 'update' : 'run', (remote) =>
    remote.unit('update', `${stopUnits(units)}\n${upgradeScript(upgrades)}`, APT_S),
  );
  if (boot.length > 0) await op.step(host, 'reboot', 'packages', 'restart', () => op.reboot(host, options.wait.host));
  await op.step(host, 'start services', 'packages', 'run', (remote) =>
    remote.run(startUnits([...units].reverse()), START_ALL_S),
  );
  await op.until(
    host,
    'back in service',
    options.wait.member,
    (snapshot) => backInService(cluster, snapshot, host, options.limits),
    { about: ['members', 'balancers'] },
  );
  await op.step(host, 'into service', 'packages', 'run', async () => {
    await op.runUndo(host, 'update');
    if (member) for (const balancer of hostsWith(cluster, 'haproxy')) await op.runUndo(balancer, `drain-${host.name}`);
    await op.until(host, 'whole again', options.wait.gate, (snapshot) => steady(cluster, snapshot, options.limits), {
      stoppable: true,
    });
  });
}

/** Upgrades pgBackRest on all hosts in one step; archiving pauses meanwhile, and is checked afterwards. */
export async function upgradeTogether(op: Operation, plan: UpdatePlan, options: UpdateOptions): Promise<void> {
  const hosts = [...plan.together.keys()];
  if (hosts.length === 0) return;
  const { cluster } = op;
  op.stage('backup service', hosts);
  await op.until(hosts[0]!, 'gate', options.wait.gate, (snapshot) => steady(cluster, snapshot, options.limits), {
    everyMs: 1000,
    stoppable: true,
  });
  const results = await settleAll(hosts, op.session.options.forks, (host) =>
    op.step(host, 'upgrade pgbackrest', 'pgbackrest', 'update', (remote) =>
      remote.unit(
        'update',
        `${upgradeScript(plan.together.get(host)!)}\nsystemctl try-restart pgbackrest.service`,
        APT_S,
      ),
    ),
  );
  settled(results);
  // A standby cluster archives nothing.
  if (!op.cluster.upstream) await archiveAll(op);
}

/** Whether pgBackRest may be upgraded: on all of its hosts or on none. */
export function mayUpgradeTogether(plan: UpdatePlan, hosts: readonly Host[], all: readonly Host[]): boolean {
  const parts = all.filter((host) => host.roles.has('patroni') || host.roles.has('pgbackrest'));
  return plan.together.size === 0 || parts.every((host) => hosts.includes(host));
}

/** Switches back to the member that led before, if another one leads now. */
export async function switchBack(op: Operation, leader: string | undefined, options: UpdateOptions): Promise<void> {
  const { cluster } = op;
  const host = cluster.hosts.find((one) => one.name === leader);
  const members = hostsWith(cluster, 'patroni');
  const leads = async () => (await op.observe(members, { about: ['members'] })).leader?.name;
  if (!host || (await leads()) === host.name) return;
  op.stage('switch back', [host]);
  // A member that has just returned becomes synchronous one cycle later.
  await op.until(host, 'gate', options.wait.gate, (snapshot) => steady(cluster, snapshot, options.limits), {
    everyMs: 1000,
    stoppable: true,
  });
  // Only a synchronous standby may take over; Patroni chooses it among those that may.
  const rivals = members.filter((other) => other !== host);
  const synchronous = (snapshot: Snapshot) =>
    verdict(
      !commitsWait(cluster) || snapshot.members.some((one) => one.name === host.name && isSynchronous(one))
        ? []
        : [`${host.name} is no synchronous standby yet`],
    );
  const now = await op.observe(members, { about: ['members'] });
  const buffers = sharedBuffers(now);
  if (!synchronous(now).ok)
    await op.step(host, 'become the synchronous standby', 'patroni', 'run', async () => {
      for (const rival of rivals) {
        await op.armUndo(
          rival,
          'rival',
          unmark(rival, NOT_SYNCHRONOUS),
          undoFor(OBSERVE_S, checkpoint(buffers), switchover(buffers)),
        );
        await op.ask(rival, 'rival', mark(rival, NOT_SYNCHRONOUS));
      }
      await op.until(host, 'synchronous', options.wait.gate, synchronous, {
        hosts: members,
        about: ['members'],
        stoppable: true,
      });
    });
  await switchOver(op, host.name);
  for (const rival of rivals) await op.runUndo(rival, 'rival');
}
