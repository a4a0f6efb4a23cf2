import { gate } from '../src/bounds/patroni.ts';
import { checkpoint as checkpointTime, restart as restartTime } from '../src/bounds/postgres.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import { membersHealthy } from '../src/decisions/members.ts';
import { nextHost } from '../src/decisions/update.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, hostsWith, patroniScope, serverOf } from '../src/inventory/model.ts';
import { restartMember } from '../src/programs/patroni.ts';
import { checkpoint } from '../src/programs/postgres.ts';
import { switchOver } from './switchover.ts';

/** Restarts PostgreSQL of these members one by one, each after a gate; the leader hands over first. */
export async function restart(op: Operation, hosts: readonly Host[]): Promise<void> {
  const { cluster } = op;
  const left = new Set(hosts);
  const whole = (host: Host) =>
    op.until(host, 'gate', gate(cluster.timing), (snapshot) => membersHealthy(cluster, snapshot), {
      hosts: hostsWith(cluster, 'patroni'),
      about: ['members'],
      everyMs: 1000,
      stoppable: true,
    });
  while (left.size > 0) {
    op.checkInterrupt();
    const host = nextHost([...left], await op.observe(cluster.hosts, { about: ['members', 'balancers'] }));
    op.stage(`restart ${host.name}`, [host]);
    const snapshot = await whole(host);
    const buffers = sharedBuffers(snapshot, host.name);
    if (snapshot.leader?.name === host.name) {
      await switchOver(op);
      await whole(host);
    }
    await op.step(host, 'checkpoint', 'patroni', 'run', (remote) =>
      remote.run(checkpoint(serverOf(cluster)), checkpointTime(buffers)),
    );
    await op.step(host, 'restart PostgreSQL', 'patroni', 'restart', (remote) =>
      remote.run(restartMember(patroniScope(cluster), host.name), restartTime(buffers)),
    );
    await whole(host);
    left.delete(host);
  }
}
