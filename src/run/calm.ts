import type { Snapshot } from '../cluster/snapshot.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import type { Operation } from '../engine/operation.ts';

/**
 * Observes until the cluster is steady (or as `judge` wants it) or `patienceMs` have passed, and returns the last
 * snapshot, which the command judges. After a run that was killed services are still starting; and the state that
 * members report of each other is one cycle of Patroni old.
 */
export async function whenSteady(
  op: Operation,
  patienceMs: number,
  found?: Snapshot,
  judge = (snapshot: Snapshot) => steady(op.cluster, snapshot, DEFAULT_LIMITS),
): Promise<Snapshot> {
  const { clock } = op.session;
  const end = clock.now() + patienceMs;
  let lastReason = '';
  for (let snapshot = found ?? (await op.observe()); ; snapshot = await op.observe()) {
    const verdict = judge(snapshot);
    if (verdict.ok || clock.now() >= end) return snapshot;
    const reason = verdict.reasons[0]!;
    if (reason !== lastReason) op.session.options.emit({ type: 'note', text: `observing again: ${reason}` });
    lastReason = reason;
    await op.pause(1000, true);
  }
}
