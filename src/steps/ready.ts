import { MEASURE_S, PROGRESS_S, replica } from '../bounds/copy.ts';
import { OBSERVE_S } from '../bounds/hosts.ts';
import { copiedBytes, copyProgress } from '../cluster/copy-progress.ts';
import type { RoleName } from '../roles.ts';
import { Standstill } from '../standstill.ts';
import { progressBar } from '../units.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface ReadyWant {
  /** POSIX sh that exits 0 when the condition holds; must not write. */
  check: string;
  /** POSIX sh that runs before every check, to bring the condition about; it may fail. */
  act?: string;
  /** Progress text for the operator meanwhile. */
  doing: string;
  timeoutSeconds: number;
  /**
   * A copy of the database into this directory comes first. While it makes progress the wait goes on beyond
   * `timeoutSeconds`; it ends when the copy has not changed for `stuckSeconds`.
   */
  copies?: { directory: string; totalBytes: number | undefined; stuckSeconds: number };
}

/** A condition that a service reaches by itself: healthy, streaming, elected. The change is a bounded wait. */
const readyKind: Kind<ReadyWant, boolean> = {
  name: 'ready',
  volatile: true,
  afterHandlers: true,
  probe: (steps) =>
    steps
      .map(
        (one, index) =>
          `if ( ${one.want.check}\n) >/dev/null 2>&1; then echo "${index} yes"; else echo "${index} no"; fi`,
      )
      .join('\n'),
  parse: (answer, steps) => new Map(steps.map((one, index) => [one.id, answer.split('\n').includes(`${index} yes`)])),
  diff: ({ want }, ready) =>
    ready ? undefined : { action: 'run', summary: `not yet; ${want.doing}`, knownAfterApply: true },
  async change({ want }, _ready, remote) {
    remote.doing(want.doing);
    const began = performance.now();
    const stuckSeconds = want.copies?.stuckSeconds ?? 0;
    const progress = new Standstill(stuckSeconds);
    for (;;) {
      const answer = await remote.run(checkScript(want), PROGRESS_S + MEASURE_S + OBSERVE_S);
      if (/^ready$/m.test(answer)) return;
      const said = /^waiting: ?(.*)$/ms.exec(answer)?.[1]?.trim() ?? '';
      const seconds = (performance.now() - began) / 1000;
      const isStuck = progress.isStuck(said);
      if (seconds > want.timeoutSeconds && (!want.copies || isStuck || seconds > replica(want.copies.totalBytes)))
        throw new Error(
          want.copies
            ? `not so within ${Math.round(seconds)} s${isStuck ? `, and no progress for ${stuckSeconds} s` : ''}`
            : `not so within ${want.timeoutSeconds} s${want.act && said ? `: ${said}` : ''}`,
        );
      const bytes = want.copies && copiedBytes(said);
      if (bytes) remote.doing(`${want.doing} ${progressBar(bytes, want.copies?.totalBytes)}`);
    }
  },
};

/** POSIX sh that checks on the host itself for a while before it reports progress. */
const checkScript = ({ check, act, copies }: ReadyWant): string => `last=
end=$(($(date +%s) + ${PROGRESS_S}))
while :; do
  ${act ? `last=$( ( ${act}\n) 2>&1 )` : ':'}
  if ( ${check}\n) >/dev/null 2>&1; then echo ready; exit 0; fi
  [ "$(date +%s)" -lt $end ] || break
  sleep 0.3
done
${copies ? `progress=$( ( ${copyProgress(copies.directory)}\n) 2>/dev/null )\necho "waiting: $progress"` : 'echo "waiting: $last"'}`;

export const ready = (role: RoleName, subject: string, want: ReadyWant, options: StepOptions = {}): Step =>
  step(readyKind, role, subject, want, options);
