import { PROGRESS_S, STUCK_S } from '../bounds/copy.ts';
import { ANSWER_S, OBSERVE_S, STOP_UNIT_S } from '../bounds/hosts.ts';
import { Interrupted, Refused, reasonOn, StepFailed } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { PATHS } from '../paths.ts';
import type { Secret } from '../secret.ts';
import { redact } from '../secrets/redact.ts';
import { Standstill } from '../standstill.ts';
import type { Remote } from '../steps/step.ts';
import type { ShellAnswer } from '../transport/machine.ts';
import type { Emit } from './events.ts';
import { between, type Hooks, NO_HOOKS } from './hooks.ts';
import { awaitUnit, isRunning, startUnit, stopUnit } from './transient.ts';

/** The part of a session that work on one host needs. */
export interface Asker {
  options: { emit: Emit; run: string; secrets: () => Iterable<Secret>; hooks?: Hooks };
  ask(host: Host, script: string, timeoutSeconds?: number): Promise<ShellAnswer>;
}

/** The host as a step's change sees it. Failures are StepFailed, name host and step, and hold no secret. */
export function remoteOf(session: Asker, host: Host, step: string): Remote {
  const { emit, run: id, secrets, hooks = NO_HOOKS } = session.options;
  const failed = (reason: string) => new StepFailed(host.name, step, redact(reason, secrets()));
  const run = async (script: string, timeoutSeconds?: number): Promise<string> => {
    let answer: ShellAnswer;
    try {
      answer = await session.ask(host, script, timeoutSeconds);
    } catch (cause) {
      throw cause instanceof Interrupted ? cause : failed(reasonOn(cause));
    }
    if (answer.code !== 0) throw failed(lastLines(answer.output) || `exit status ${answer.code}`);
    return answer.output;
  };
  const doing = (text: string) => emit({ type: 'doing', host: host.name, text });
  return {
    host,
    run,
    unit: async (name, script, timeoutSeconds, progress) => {
      await run(startUnit(name, script, timeoutSeconds, id), timeoutSeconds + ANSWER_S);
      if (!progress) return run(awaitUnit(name), timeoutSeconds + ANSWER_S);
      const { stuckSeconds = STUCK_S } = progress;
      const judge = new Standstill(stuckSeconds);
      for (;;) {
        const look = awaitUnit(name, { seconds: PROGRESS_S, script: progress.script });
        const answer = await run(look, PROGRESS_S + OBSERVE_S);
        const running = isRunning(answer);
        if (running === undefined) return answer;
        if (judge.isStuck(running.mark)) {
          await run(stopUnit(name), STOP_UNIT_S);
          throw failed(`no progress for ${stuckSeconds} s; see ${PATHS.log}/${name}.log`);
        }
        const text = progress.describe(running.output);
        if (text) doing(text);
      }
    },
    handingOver: async (to, work) => {
      try {
        return await between(hooks, 'switchover', { FROM: host.name, TO: to }, work);
      } catch (cause) {
        throw cause instanceof Refused ? failed(cause.message) : cause;
      }
    },
    doing,
  };
}

const lastLines = (output: string): string =>
  output
    .split('\n')
    .filter((line) => line.trim())
    .slice(-12)
    .join('\n');
