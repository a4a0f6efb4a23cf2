import type { Snapshot } from '../cluster/snapshot.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import type { Operation } from '../engine/operation.ts';

/**
 * What is there once it is steady (or as `judge` wants it), or when patience is at its end: what is wrong then is for the command to judge. After a
 * run that was killed services come up again; and what members tell of each other is a cycle of Patroni old.
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
    if (reason !== lastReason) op.session.options.emit({ type: 'note', text: `looking again, for ${reason}` });
    lastReason = reason;
    await op.pause(1000, true);
  }
}
