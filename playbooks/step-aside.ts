import { drain, openReads, undrain } from '../roles/haproxy/runtime.ts';
import { mark, unmark } from '../roles/patroni/marks.ts';
import { commitsWaitElsewhere } from '../src/cluster/decisions/update.ts';
import { verdict } from '../src/cluster/decisions/verdict.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, hostsWith, serverOf } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { checkpoint } from '../src/programs/postgres.ts';
import { awaitEnd, startUnits, stopUnits } from '../src/programs/systemd.ts';
import { unitsOf } from '../src/roles.ts';

/** Seconds to wait: for reads to end, for a gate, for a rebooted host, for a member to catch up. */
export interface Waits {
  drain: number;
  gate: number;
  host: number;
  member: number;
}

export const DEFAULT_WAITS: Waits = { drain: 30, gate: 120, host: 600, member: 900 };

/** Until a host that was taken out puts itself back, should the controller die; every long step counts anew. */
export const UNDO_AFTER_S = 300;

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

/** A member gives up reads and its part in commits before it is stopped, so that nobody notices. */
export async function stepAside(op: Operation, host: Host, wait: Waits): Promise<void> {
  const { cluster } = op;
  const balancers = hostsWith(cluster, 'haproxy');
  await op.step(host, 'drain reads', 'haproxy', 'run', async () => {
    for (const balancer of balancers) {
      await op.arm(balancer, `drain-${host.name}`, undrain(host), UNDO_AFTER_S + wait.host + wait.member);
      await op.ask(balancer, 'drain', drain(host));
    }
    const end = Date.now() + wait.drain * 1000;
    const judge = (snapshot: Snapshot) => {
      const open = balancers.map((one) => openReads(said(snapshot.observations.get(one.name)?.balancer), host.name));
      const sum = open.reduce((a, b) => a + b, 0);
      // Reads that go on for longer than is waited are cut off by the stop, as a client must expect of any server.
      return verdict(sum > 0 && Date.now() < end ? [`${sum} reads are open on ${host.name}`] : []);
    };
    await op.until(host, 'drain', wait.drain + 10, judge, { hosts: balancers, about: ['balancers'], stoppable: true });
  });
  await op.step(host, 'mark', 'patroni', 'update', async (remote) => {
    await remote.run(mark(host));
    await op.until(
      host,
      'mark',
      cluster.timing.patroni.loop_wait * 6 + 30,
      (snapshot) => commitsWaitElsewhere(cluster, snapshot, host),
      { hosts: hostsWith(cluster, 'patroni'), about: ['members'], stoppable: true },
    );
  });
  await op.step(host, 'checkpoint', 'patroni', 'run', (remote) => remote.run(checkpoint(serverOf(cluster)), 600));
}

/** The VIP goes to another balancer before this one is stopped. */
export async function moveVip(op: Operation, host: Host, wait: Waits): Promise<void> {
  const others = hostsWith(op.cluster, 'keepalived').filter((other) => other !== host);
  await op.step(host, 'hand over the VIP', 'keepalived', 'run', (remote) =>
    remote.run(stopUnits(['keepalived.service'])),
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
