import { membersHealthy } from '../src/cluster/decisions/members.ts';
import { nextHost } from '../src/cluster/decisions/update.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, hostsWith, patroniScope, serverOf } from '../src/inventory/model.ts';
import { restartMember } from '../src/programs/patroni.ts';
import { checkpoint } from '../src/programs/postgres.ts';
import { switchOver } from './switchover.ts';

/** Seconds for the cluster to be whole between two members. */
const GATE_S = 120;
const RESTART_S = 300;

/** PostgreSQL of these members is restarted one by one, each behind a gate; the leader hands over first. */
export async function restart(op: Operation, hosts: readonly Host[]): Promise<void> {
  const { cluster } = op;
  const left = new Set(hosts);
  const whole = (host: Host) =>
    op.until(host, 'gate', GATE_S, (snapshot) => membersHealthy(cluster, snapshot), {
      hosts: hostsWith(cluster, 'patroni'),
      about: ['members'],
      everyMs: 1000,
      stoppable: true,
    });
  while (left.size > 0) {
    op.checkInterrupt();
    const host = nextHost([...left], await op.look(cluster.hosts, { about: ['members', 'balancers'] }));
    op.stage(`restart ${host.name}`, [host]);
    const { leader } = await whole(host);
    if (leader?.name === host.name) {
      await switchOver(op);
      await whole(host);
    }
    await op.step(host, 'checkpoint', 'patroni', 'run', (remote) => remote.run(checkpoint(serverOf(cluster)), 600));
    await op.step(host, 'restart PostgreSQL', 'patroni', 'restart', (remote) =>
      remote.run(restartMember(patroniScope(cluster), host.name), RESTART_S),
    );
    await whole(host);
    left.delete(host);
  }
}
