import type { RoleName } from '../inventory/model.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface ReadyWant {
  /** POSIX sh that exits 0 when it is so; must not write. */
  check: string;
  /** POSIX sh run before every look, to bring it about; it may fail. */
  act?: string;
  /** What the person is told meanwhile. */
  doing: string;
  timeoutSeconds: number;
}

/** A condition that a service reaches by itself: healthy, streaming, elected. The change is waiting for it, within a bound. */
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
    await remote.run(
      `end=$(($(date +%s) + ${want.timeoutSeconds}))
while :; do
  ${want.act ? `last=$( ( ${want.act}\n) 2>&1 )` : ':'}
  if ( ${want.check}\n) >/dev/null 2>&1; then exit 0; fi
  [ "$(date +%s)" -lt $end ] || break
  sleep 0.3
  echo # ends the shell, and its lock, when the controller is gone
done
echo "not so within ${want.timeoutSeconds} s${want.act ? ': $last' : ''}"
exit 1`,
      want.timeoutSeconds + 30,
    );
  },
};

export const ready = (role: RoleName, subject: string, want: ReadyWant, options: StepOptions = {}): Step =>
  step(readyKind, role, subject, want, options);
