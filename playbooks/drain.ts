import { gate, join } from '../src/bounds/patroni.ts';
import { waits } from '../src/bounds/waits.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { membersHealthy } from '../src/decisions/members.ts';
import { backInService, DEFAULT_LIMITS } from '../src/decisions/update.ts';
import { all, type Verdict, verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, type Host, hostsWith } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { drainMember, moveVip, undoOf } from './out-of-service.ts';
import { switchOver } from './switchover.ts';

/** Has every balancer taken (or not taken) this member among those that it sends reads to? */
function readsGoThere(cluster: Cluster, { observations }: Snapshot, member: Host, wanted: boolean): Verdict {
  return verdict(
    hostsWith(cluster, 'haproxy').flatMap(({ name }) => {
      const rows = said(observations.get(name)?.balancer);
      if (!rows) return [`HAProxy on ${name} does not answer`];
      const row = rows.find((one) => one.proxy === 'replica' && one.server === member.name);
      const isUp = row?.status.startsWith('UP') ?? false;
      // A drained server whose check still succeeds would get reads again with the end of the drain.
      const isDown = row?.status.startsWith('DOWN') ?? true;
      if (wanted ? isUp : isDown) return [];
      return [`HAProxy on ${name} ${wanted ? 'sends no reads to' : 'has not seen the marks of'} ${member.name} yet`];
    }),
  );
}

/**
 * Takes a host out of service for `seconds`, so that it can be switched off: a leader hands over, a member gives up reads
 * and its part in commits, a balancer the VIP. Its services go on. The host ends that by itself. Of a host that is
 * drained already (`isDrained`) only the time changes.
 */
export async function drain(op: Operation, host: Host, seconds: number, isDrained: boolean): Promise<void> {
  const { cluster } = op;
  const members = hostsWith(cluster, 'patroni');
  const wait = waits(cluster.timing);
  op.stage(`drain ${host.name}`, [host]);
  if (isDrained) return op.setHold(host, 'drain', undoOf(host), seconds);
  const before = await op.observe(members, { about: ['members'] });
  if (before.leader?.name === host.name) {
    await switchOver(op);
    await op.until(host, 'gate', gate(cluster.timing), (snapshot) => membersHealthy(cluster, snapshot), {
      hosts: members,
      about: ['members'],
      everyMs: 1000,
      stoppable: true,
    });
  }
  try {
    await op.setHold(host, 'drain', undoOf(host), seconds);
    if (host.roles.has('patroni')) {
      await drainMember(op, host, wait, sharedBuffers(before, host.name));
      await op.until(
        host,
        'reads elsewhere',
        join(cluster.timing),
        (snapshot) => readsGoThere(cluster, snapshot, host, false),
        { hosts: hostsWith(cluster, 'haproxy'), about: ['balancers'], stoppable: true },
      );
    }
    if (host.roles.has('keepalived')) await moveVip(op, host, wait);
  } catch (cause) {
    // A host that cannot be reached ends it by itself.
    await op.endHold(host, 'drain').catch(() => undefined);
    throw cause;
  }
}

/** Brings a drained host back into service, and waits until it serves again. */
export async function undrain(op: Operation, host: Host): Promise<void> {
  const { cluster } = op;
  op.stage(`undrain ${host.name}`, [host]);
  await op.step(host, 'back into service', 'packages', 'run', () => op.endHold(host, 'drain'));
  await op.until(
    host,
    'in service',
    waits(cluster.timing).member,
    (snapshot) =>
      all(
        backInService(cluster, snapshot, host, DEFAULT_LIMITS),
        host.roles.has('patroni') && snapshot.leader?.name !== host.name
          ? readsGoThere(cluster, snapshot, host, true)
          : verdict([]),
      ),
    { about: ['members', 'balancers'], everyMs: 1000, stoppable: true },
  );
}
