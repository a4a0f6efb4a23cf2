import type { RoleName } from '../roles.ts';
import { progressBar } from '../units.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface ReadyWant {
  /** POSIX sh that exits 0 when it is so; must not write. */
  check: string;
  /** POSIX sh run before every look, to bring it about; it may fail. */
  act?: string;
  /** What the person is told meanwhile. */
  doing: string;
  timeoutSeconds: number;
  /** POSIX sh that prints how many bytes are there already, of how many. */
  progress?: { script: string; totalBytes: number | undefined };
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
    const end = Date.now() + want.timeoutSeconds * 1000;
    for (;;) {
      const answer = await remote.run(lookScript(want), LOOK_S + 30);
      if (/^ready$/m.test(answer)) return;
      const said = /^waiting: ?(.*)$/ms.exec(answer)?.[1]?.trim() ?? '';
      if (Date.now() > end)
        throw new Error(`not so within ${want.timeoutSeconds} s${want.act && said ? `: ${said}` : ''}`);
      const bytes = want.progress ? Number(said) : Number.NaN;
      if (bytes > 0) remote.doing(`${want.doing} ${progressBar(bytes, want.progress?.totalBytes)}`);
    }
  },
};

/** Seconds for which a host looks by itself before it tells how far it is; one look may take ten times as long. */
const LOOK_S = 3;

const lookScript = ({ check, act, progress }: ReadyWant): string => `last=
end=$(($(date +%s) + ${LOOK_S}))
while :; do
  ${act ? `last=$( ( ${act}\n) 2>&1 )` : ':'}
  if ( ${check}\n) >/dev/null 2>&1; then echo ready; exit 0; fi
  [ "$(date +%s)" -lt $end ] || break
  sleep 0.3
done
echo "waiting: ${progress ? `$( ( ${progress.script}\n) 2>/dev/null )` : '$last'}"`;

export const ready = (role: RoleName, subject: string, want: ReadyWant, options: StepOptions = {}): Step =>
  step(readyKind, role, subject, want, options);
