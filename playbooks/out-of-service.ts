import { drain, openReads, undrain } from '../roles/haproxy/runtime.ts';
import { mark, unmark } from '../roles/patroni/marks.ts';
import { ASK_S, OBSERVE_S } from '../src/bounds/hosts.ts';
import { marked } from '../src/bounds/patroni.ts';
import { checkpoint as checkpointTime, START_ALL_S, stop } from '../src/bounds/postgres.ts';
import { undoFor } from '../src/bounds/undo.ts';
import type { Waits } from '../src/bounds/waits.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { commitsWaitElsewhere } from '../src/decisions/update.ts';
import { verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { StepFailed } from '../src/errors.ts';
import { BACKUP_TYPES, backupUnit } from '../src/inventory/backup-schedule.ts';
import { type Host, hostsWith, serverOf } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { checkpoint } from '../src/programs/postgres.ts';
import { awaitEnd, startUnits, stopUnits } from '../src/programs/systemd.ts';
import { unitsOf } from '../src/roles.ts';

/**
 * Time until a host that was taken out returns to service by itself, should the controller die: longer than each single
 * step (s).
 */
export const outOfServiceUndo = (sharedBuffers: number | undefined): number =>
  undoFor(checkpointTime(sharedBuffers), stop(sharedBuffers), START_ALL_S, OBSERVE_S, ASK_S);

/**
 * Time until a balancer sends reads to a drained member again: longer than the other host's whole way out and back (s).
 */
const drainUndo = (wait: Waits, sharedBuffers: number | undefined): number =>
  outOfServiceUndo(sharedBuffers) + wait.host + wait.member;

/** Timers that stop together with Patroni and are never waited for. */
export const MEMBER_TIMERS = ['patroni-preferences.timer'];
/** Timers that start backups and drills. */
export const BACKUP_TIMERS = [...BACKUP_TYPES.map((type) => `${backupUnit(type)}.timer`), 'pgbackrest-drill.timer'];

/**
 * POSIX sh that brings a host back into service. It waits for the package manager's end, because a service that is
 * started before would be stopped again.
 */
export const undoOf = (host: Host): string => `${awaitEnd('hapg-update.service', 2)}
${host.roles.has('patroni') ? unmark(host) : ':'}
${startUnits([...unitsOf(host)].reverse())}`;

/**
 * Takes a host out of service, under the undo `update`, which brings it back should the controller die: a member gives
 * up reads and its part in commits, a balancer the VIP.
 */
async function leaveService(op: Operation, host: Host, wait: Waits, buffers: number | undefined): Promise<void> {
  await op.armUndo(host, 'update', undoOf(host), outOfServiceUndo(buffers));
  if (host.roles.has('patroni')) await drainMember(op, host, wait, buffers);
  if (host.roles.has('keepalived')) await moveVip(op, host, wait);
}

/**
 * Takes a host out of service and then calls `stopIt`, which stops its services. Both are repeated where an undo has
 * run in between, because the link was lost for long: the services that it started may serve clients again. Rejects
 * with StepFailed after three tries.
 */
export async function takeOutOfService(
  op: Operation,
  host: Host,
  wait: Waits,
  buffers: number | undefined,
  stopIt: () => Promise<void>,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    await leaveService(op, host, wait, buffers);
    if (!(await isOutOfService(op, host))) continue;
    await stopIt();
    if (await isOutOfService(op, host)) return;
  }
  throw new StepFailed(
    host.name,
    'out of service',
    'its undo ran in between again and again: is its connection unstable?',
  );
}

/** Number of attempts to take a host out of service. */
const TRIES = 3;

/** Restarts the time of all undos of a host that is out of service. Returns false where one has run. */
async function isOutOfService(op: Operation, host: Host): Promise<boolean> {
  const balancers = host.roles.has('patroni') ? hostsWith(op.cluster, 'haproxy') : [];
  const kept = [
    await op.keepUndo(host, 'update'),
    ...(await Promise.all(balancers.map((balancer) => op.keepUndo(balancer, `drain-${host.name}`)))),
  ];
  return kept.every(Boolean);
}

/** Takes a member out of reads and commits before it is stopped, so that clients do not notice. */
export async function drainMember(op: Operation, host: Host, wait: Waits, buffers: number | undefined): Promise<void> {
  const { cluster } = op;
  const balancers = hostsWith(cluster, 'haproxy');
  await op.step(host, 'drain reads', 'haproxy', 'run', async () => {
    for (const balancer of balancers) {
      await op.armUndo(balancer, `drain-${host.name}`, undrain(host), drainUndo(wait, buffers));
      await op.ask(balancer, 'drain', drain(host));
    }
    const end = op.clock.now() + wait.drain * 1000;
    const judge = (snapshot: Snapshot) => {
      // Reads that take longer are ended by the stop, as a client must expect of any server.
      if (op.clock.now() >= end) return verdict([]);
      const rows = balancers.map((one) => said(snapshot.observations.get(one.name)?.balancer));
      const silent = balancers.filter((_one, index) => !rows[index]);
      const open = rows.reduce((sum, its) => sum + openReads(its ?? [], host.name), 0);
      return verdict([
        ...silent.map(({ name }) => `HAProxy on ${name} does not report the open reads`),
        ...(open > 0 ? [`${open} reads are open on ${host.name}`] : []),
      ]);
    };
    await op.until(host, 'drain', wait.drain + OBSERVE_S, judge, {
      hosts: balancers,
      about: ['balancers'],
      stoppable: true,
    });
  });
  await op.step(host, 'mark', 'patroni', 'update', async (remote) => {
    await remote.run(mark(host));
    await op.until(host, 'mark', marked(cluster.timing), (snapshot) => commitsWaitElsewhere(cluster, snapshot, host), {
      hosts: hostsWith(cluster, 'patroni'),
      about: ['members'],
      stoppable: true,
    });
  });
  await op.step(host, 'checkpoint', 'patroni', 'run', (remote) =>
    remote.run(checkpoint(serverOf(cluster)), checkpointTime(buffers)),
  );
}

/** Moves the VIP to another balancer before this one is stopped. */
export async function moveVip(op: Operation, host: Host, wait: Waits): Promise<void> {
  const others = hostsWith(op.cluster, 'keepalived').filter((other) => other !== host);
  await op.step(host, 'hand over the VIP', 'keepalived', 'run', (remote) =>
    remote.run(stopUnits(['keepalived.service']), ASK_S),
  );
  if (!op.cluster.vip || others.length === 0) return;
  await op.until(
    host,
    'the VIP on another balancer',
    wait.gate,
    ({ vipHolders }) =>
      verdict(
        vipHolders.length === 1 && vipHolders[0] !== host.name
          ? []
          : [`the VIP is held by ${vipHolders.join(' and ') || 'nobody'}`],
      ),
    { hosts: hostsWith(op.cluster, 'keepalived'), about: ['balancers'] },
  );
}
