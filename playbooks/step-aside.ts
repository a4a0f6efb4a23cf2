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
import { type Host, hostsWith, serverOf } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { checkpoint } from '../src/programs/postgres.ts';
import { awaitEnd, startUnits, stopUnits } from '../src/programs/systemd.ts';
import { unitsOf } from '../src/roles.ts';

/** Seconds until a host that was taken out puts itself back, should the controller die: longer than each single step. */
export const asideUndo = (sharedBuffers: number | undefined): number =>
  undoFor(checkpointTime(sharedBuffers), stop(sharedBuffers), START_ALL_S, OBSERVE_S, ASK_S);

/** Seconds until a balancer sends reads to a drained member again: longer than all of the other host's way out and back. */
const drainUndo = (wait: Waits, sharedBuffers: number | undefined): number =>
  asideUndo(sharedBuffers) + wait.host + wait.member;

/** Goes with Patroni, and is never waited for. */
export const MEMBER_TIMERS = ['patroni-preferences.timer'];
/** What would start a backup of the cluster by itself. */
export const BACKUP_TIMERS = ['pgbackrest-full.timer', 'pgbackrest-diff.timer', 'pgbackrest-drill.timer'];

/**
 * POSIX sh that brings a host that was taken out back into service; only when the package manager has come to its end,
 * for a service that is started in between would be stopped again.
 */
export const undoOf = (host: Host): string => `${awaitEnd('hapg-update.service', 2)}
${host.roles.has('patroni') ? unmark(host) : ':'}
${startUnits([...unitsOf(host)].reverse())}`;

/**
 * A host goes out of service, under the undo `update`, which brings it back should the controller die: a member gives up
 * reads and its part in commits, a balancer the VIP.
 */
async function leaveService(op: Operation, host: Host, wait: Waits, buffers: number | undefined): Promise<void> {
  await op.arm(host, 'update', undoOf(host), asideUndo(buffers));
  if (host.roles.has('patroni')) await stepAside(op, host, wait, buffers);
  if (host.roles.has('keepalived')) await moveVip(op, host, wait);
}

/**
 * Takes a host out of service and then does `stopIt`, after which it serves nobody. Both are done again where an undo has run
 * in between, for the link was lost for long: what an undo has put back must not be stopped in the middle of its work.
 * Rejects with StepFailed after three tries.
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
  throw new StepFailed(host.name, 'out of service', 'its undo came in between again and again: is the way to it lost?');
}

/** How often a host is taken out of service anew before that is given up. */
const TRIES = 3;

/** Lets all undos of a host that has left service count anew. False where one has run meanwhile. */
async function isOutOfService(op: Operation, host: Host): Promise<boolean> {
  const balancers = host.roles.has('patroni') ? hostsWith(op.cluster, 'haproxy') : [];
  const kept = [
    await op.keep(host, 'update'),
    ...(await Promise.all(balancers.map((balancer) => op.keep(balancer, `drain-${host.name}`)))),
  ];
  return kept.every(Boolean);
}

/** A member gives up reads and its part in commits before it is stopped, so that nobody notices. */
async function stepAside(op: Operation, host: Host, wait: Waits, buffers: number | undefined): Promise<void> {
  const { cluster } = op;
  const balancers = hostsWith(cluster, 'haproxy');
  await op.step(host, 'drain reads', 'haproxy', 'run', async () => {
    for (const balancer of balancers) {
      await op.arm(balancer, `drain-${host.name}`, undrain(host), drainUndo(wait, buffers));
      await op.ask(balancer, 'drain', drain(host));
    }
    const end = Date.now() + wait.drain * 1000;
    const judge = (snapshot: Snapshot) => {
      const open = balancers.map((one) => openReads(said(snapshot.observations.get(one.name)?.balancer), host.name));
      const sum = open.reduce((a, b) => a + b, 0);
      // Reads that go on for longer than is waited are cut off by the stop, as a client must expect of any server.
      return verdict(sum > 0 && Date.now() < end ? [`${sum} reads are open on ${host.name}`] : []);
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

/** The VIP goes to another balancer before this one is stopped. */
async function moveVip(op: Operation, host: Host, wait: Waits): Promise<void> {
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
