import { verdict } from '../cluster/decisions/verdict.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import type { Operation } from '../engine/operation.ts';
import { said } from '../observe/answer.ts';
import { unitsAtWork } from '../observe/marks.ts';

/** No unit of a run may take longer; systemd ends most of them earlier, at their own RuntimeMaxSec (s). */
const UNIT_S = 7 * 86_400;

/**
 * Waits for the units that a run that died has left at work: they count as its lock. Nothing is half done by this run, so
 * Ctrl-C ends the wait. Returns whether there was any.
 */
export async function awaitUnits(op: Operation, { observations }: Snapshot): Promise<boolean> {
  let waited = false;
  for (const [name, { units }] of observations) {
    const left = unitsAtWork(said(units) ?? []);
    if (left.length === 0) continue;
    waited = true;
    const text = `${name}: ${left.join(', ')}, left by an interrupted run, is waited for`;
    op.session.options.emit({ type: 'note', text });
    await op.until(
      op.host(name),
      'the work of an interrupted run',
      UNIT_S,
      (snapshot) => {
        // Silence is no end.
        const now = said(snapshot.observations.get(name)?.units);
        return verdict(now ? unitsAtWork(now).map((unit) => `${unit} is at work`) : [`${name} does not answer`]);
      },
      { hosts: [op.host(name)], about: ['host'], everyMs: 2000, stoppable: true },
    );
  }
  return waited;
}

/** Undoes what a run that died has left temporary, and says so. Returns whether there was any. */
export async function clearLeftovers(op: Operation, snapshot: Snapshot): Promise<boolean> {
  const cleared = await op.clearLeftovers(snapshot);
  for (const text of cleared) op.session.options.emit({ type: 'note', text });
  return cleared.length > 0;
}
