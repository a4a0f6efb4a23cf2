import { apply } from '../../playbooks/apply.ts';
import { assess, cureOf, repair } from '../../playbooks/repair.ts';
import { standbyAsDeclared } from '../decisions/standby.ts';
import { all } from '../decisions/verdict.ts';
import { converge, surveyAll } from '../engine/converge.ts';
import { StepFailed } from '../errors.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** No repair takes more turns: each mends something, and what it uncovers is looked at anew. */
const TURNS = 8;

/**
 * `hapg repair`: says what is broken and how it would be mended, and does it when told to. Leftovers of dead runs are
 * cleared by every command before this one looks; here that is all there may be to do.
 */
export const repairCommand = (options: OperateOptions): Promise<number> =>
  operate('repair', { ...options, asItIs: true }, async (op, _snapshot, _made, store) => {
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
            // Settings that were lost with the DCS, and files of the members, are those of the inventory again.
            await converge(op, await surveyAll(op, apply, store));
            return;
          }
          // What is done was shown and agreed to; something else has to be asked again.
          if (!options.yes && !first.damages.some(({ kind }) => kind === next.kind))
            throw new StepFailed(
              next.host.name,
              'repair',
              `${next.found}. Run "hapg repair" again to have that mended`,
            );
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
