import { transfer } from '../bounds/copy.ts';
import { ASK_S } from '../bounds/hosts.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { verdict } from '../decisions/verdict.ts';
import type { Operation } from '../engine/operation.ts';
import type { Answer } from '../observe/answer.ts';
import { unitsAtWork } from '../observe/run-state.ts';

/** Reasons to wait. When systemd is silent, units may be at work. */
const reasons = (units: Answer<string[]>): string[] =>
  'said' in units ? unitsAtWork(units.said).map((unit) => `${unit} is at work`) : [units.silent];

/**
 * Waits for the units that an interrupted run has left at work: they count as its lock. Returns whether there were any.
 * Ctrl-C ends the wait, because this run has changed nothing.
 */
export async function awaitUnits(op: Operation, { observations }: Snapshot): Promise<boolean> {
  let waited = false;
  for (const [name, { units }] of observations) {
    const left = reasons(units);
    if (left.length === 0) continue;
    waited = true;
    const what = 'said' in units ? `${unitsAtWork(units.said).join(', ')}, left by an interrupted run,` : 'systemd';
    op.session.options.emit({ type: 'note', text: `${name}: ${what} is waited for` });
    await op.until(
      op.host(name),
      'the work of an interrupted run',
      'said' in units ? transfer() : ASK_S,
      (snapshot) => {
        const observation = snapshot.observations.get(name);
        if (!observation) return verdict([`${name} does not answer`]);
        return verdict(reasons(observation.units));
      },
      { hosts: [op.host(name)], about: ['host'], everyMs: 2000, stoppable: true },
    );
  }
  return waited;
}

/** Runs the undos that an interrupted run has left, and reports them. Returns whether there were any. */
export async function clearLeftovers(op: Operation, snapshot: Snapshot): Promise<boolean> {
  const cleared = await op.clearLeftovers(snapshot);
  for (const text of cleared) op.session.options.emit({ type: 'note', text });
  return cleared.length > 0;
}
