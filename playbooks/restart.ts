import { membersHealthy } from '../src/cluster/decisions/members.ts';
import { nextHost } from '../src/cluster/decisions/update.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, patroniScope } from '../src/inventory/model.ts';
import { patronictl } from '../src/programs/patroni.ts';
import { checkpoint, switchOver } from './switchover.ts';

/** Seconds for the cluster to be whole between two members. */
const GATE_S = 120;
const RESTART_S = 300;

/** PostgreSQL of these members is restarted one by one, each behind a gate; the leader hands over first. */
export async function restart(op: Operation, hosts: readonly Host[]): Promise<void> {
  const { cluster } = op;
  const left = new Set(hosts);
  const whole = (host: Host) =>
    op.until(host, 'gate', GATE_S, (snapshot) => membersHealthy(cluster, snapshot), { everyMs: 1000, stoppable: true });
  while (left.size > 0) {
    op.checkInterrupt();
    const host = nextHost([...left], await op.look());
    op.stage(`restart ${host.name}`, [host]);
    const { leader } = await whole(host);
    if (leader?.name === host.name) {
      await switchOver(op);
      await whole(host);
    }
    await op.step(host, 'checkpoint', 'patroni', 'run', (remote) => remote.run(checkpoint(cluster), 600));
    await op.step(host, 'restart PostgreSQL', 'patroni', 'restart', (remote) =>
      remote.run(
        `out=$(${patronictl('restart', ...patroniScope(cluster), host.name, '--force')} 2>&1) || { printf '%s\\n' "$out" | tail -n 3; exit 1; }
case "$out" in *Failed*|*failed*) printf '%s\\n' "$out" | tail -n 3; exit 1 ;; esac`,
        RESTART_S,
      ),
    );
    await whole(host);
    left.delete(host);
  }
}
