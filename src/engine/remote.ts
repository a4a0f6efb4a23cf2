import { Interrupted, StepFailed } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { redact } from '../secrets/secret.ts';
import type { Remote } from '../steps/step.ts';
import type { ShellAnswer } from '../transport/machine.ts';
import type { Session } from './session.ts';
import { awaitUnit, isRunning, startUnit } from './transient.ts';

/** Seconds between two looks at how far something long is. */
const LOOK_S = 3;

/** What a step's change sees of its host. Failures are StepFailed, name host and step, and hold no secret. */
export function remoteOf(session: Session, host: Host, step: string): Remote {
  const { emit, run: id, secrets } = session.options;
  const failed = (reason: string) => new StepFailed(host.name, step, redact(reason, secrets()));
  const run = async (script: string, timeoutSeconds?: number): Promise<string> => {
    let answer: ShellAnswer;
    try {
      answer = await session.ask(host, script, timeoutSeconds);
    } catch (cause) {
      throw cause instanceof Interrupted ? cause : failed((cause as Error).message);
    }
    if (answer.code !== 0) throw failed(lastLines(answer.output) || `exit status ${answer.code}`);
    return answer.output;
  };
  const doing = (text: string) => emit({ type: 'doing', host: host.name, text });
  return {
    host,
    run,
    unit: async (name, script, timeoutSeconds, progress) => {
      await run(startUnit(name, script, timeoutSeconds, id), timeoutSeconds + 30);
      if (!progress) return run(awaitUnit(name), timeoutSeconds + 30);
      for (;;) {
        const answer = await run(awaitUnit(name, { seconds: LOOK_S, script: progress.script }), LOOK_S + 60);
        const seen = isRunning(answer);
        if (seen === undefined) return answer;
        const text = progress.tell(seen);
        if (text) doing(text);
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
