import { type Verdict, verdict } from '../src/cluster/decisions/verdict.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, patroniScope } from '../src/inventory/model.ts';
import { patronictl } from '../src/shell/postgres.ts';

/** Seconds for Patroni to promote, which replays first what has been received. */
const PROMOTE_S = 300;

/** The member that leads a standby cluster takes writes from now on; the others follow it (Patroni documentation, "Standby cluster"). */
export async function promote(op: Operation, leader: Host): Promise<void> {
  op.stage('promote', [leader]);
  await op.step(leader, 'promote', 'patroni', 'run', async (remote) => {
    await remote.run(
      `out=$(${patronictl('edit-config', ...patroniScope(op.cluster), '--force', '-s', 'standby_cluster=null')} 2>&1) || { echo "Patroni refused it: $(printf '%s' "$out" | tail -n 1)"; exit 1; }`,
    );
    await op.until(leader, 'promote', PROMOTE_S, takesWrites, { everyMs: 250 });
  });
}

/** Not by what the member list says, which is one of Patroni's cycles old. */
const takesWrites = ({ observations }: Snapshot): Verdict =>
  verdict(
    [...observations.values()].some(
      ({ patroni }) => /^(primary|master)$/.test(String(patroni?.self?.role)) && patroni?.self?.state === 'running',
    )
      ? []
      : ['no member takes writes yet'],
  );
