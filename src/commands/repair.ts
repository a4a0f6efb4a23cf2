import { apply } from '../../playbooks/apply.ts';
import { assess, cureOf, repair } from '../../playbooks/repair.ts';
import { standbyAsDeclared } from '../decisions/standby.ts';
import { all } from '../decisions/verdict.ts';
import { converge, surveyAll } from '../engine/converge.ts';
import { StepFailed } from '../errors.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** Limit of turns: each repairs one damage, and the cluster is observed again. */
const TURNS = 8;

/**
 * `hapg repair`: explains what is broken and how it would be repaired, and repairs it after confirmation. Leftovers of
 * interrupted runs are cleared before, as by every command; that may be all there is to do.
 */
export const repairCommand = (options: OperateOptions): Promise<number> =>
  operate('repair', { ...options, asItIs: true, emergency: true }, async (op, _snapshot, _made, store) => {
    const first = await assess(op);
    refuseUnless(all(first.verdict, standbyAsDeclared(op.cluster, first.snapshot)));
    if (first.damages.length === 0) return undefined;
    return {
      explain: first.damages.map((one) => `${one.found}\n  → ${cureOf(op.cluster, one)}`).join('\n'),
      question: `Repair ${op.cluster.name}?`,
      hosts: first.damages.map((one) => one.host),
      run: async () => {
        for (let turn = 0; turn < TURNS; turn++) {
          const { snapshot, damages, verdict } = await assess(op, first);
          refuseUnless(all(verdict, standbyAsDeclared(op.cluster, snapshot)));
          const [next, ...others] = damages;
          if (!next) {
            // Restores settings that were lost with the DCS, and the members' files, from the inventory.
            await converge(op, await surveyAll(op, apply, store));
            return;
          }
          // Only what was shown is confirmed; anything else is asked again.
          if (!options.yes && !first.damages.some(({ kind }) => kind === next.kind))
            throw new StepFailed(next.host.name, 'repair', `${next.found}. Run "hapg repair" again to repair that`);
          op.session.options.emit({ type: 'note', text: `${next.found}\n  → ${cureOf(op.cluster, next)}` });
          await repair(op, [next, ...others]);
        }
        throw new StepFailed(
          first.damages[0]!.host.name,
          'repair',
          `still broken after ${TURNS} repairs; see hapg status`,
        );
      },
    };
  });
