import { ANSWER_S, EXEC_KILL_S } from '../bounds/hosts.ts';
import { commandLine, type ExecAnswer, execScript, programName, readExec } from '../cluster/exec.ts';
import { auditScript } from '../engine/audit.ts';
import { UsageError } from '../errors.ts';
import { print, printJson } from '../run/ask.ts';
import { type Each, eachHost, exitOf } from '../run/each.ts';
import type { CommonOptions } from '../run/options.ts';
import { readOnlyRun } from '../run/read-only.ts';
import { readSetup } from '../run/setup.ts';
import { execDocument, execText } from '../view/exec.ts';

/** The flags of `hapg exec`. */
export interface ExecOptions extends CommonOptions {
  timeout: string;
}

/**
 * `hapg exec -l WHO -- COMMAND`: runs a command as root on the selected hosts at once. It takes no lock, because it must
 * work while another run holds it or has died; each host notes in its audit log that it was done, and by whom.
 */
export async function execCommand(given: readonly string[], options: ExecOptions): Promise<number> {
  if (!options.limit)
    throw new UsageError('on which hosts? --limit names them: a host, a role, a pattern, or all for every host');
  if (!/^[1-9]\d{0,5}$/.test(options.timeout))
    throw new UsageError(`--timeout ${options.timeout}: a number of seconds from 1 on is needed`);
  const line = commandLine(given);
  if (line.trim() === '') throw new UsageError('which command? It stands after --');
  const setup = readSetup({ ...options, quiet: true });
  const seconds = Number(options.timeout);
  return readOnlyRun(setup, 'exec', async (run) => {
    const { session } = run;
    const first = auditScript({
      run: run.id,
      by: run.by,
      command: `exec ${programName(given)}`,
      changed: 'unknown',
      result: 'begun',
    });
    const script = execScript(line, { seconds, first });
    const all = await eachHost(run, async (host) => {
      const begun = performance.now();
      const { output } = await session.ask(host, script, seconds + EXEC_KILL_S + ANSWER_S);
      return readExec(output, seconds, (performance.now() - begun) / 1000);
    });
    const answers = all.map((one) => ({ host: one.host, answer: answerOf(one) }));
    if (setup.json) printJson(execDocument(answers));
    else print(execText(answers, seconds));
    return exitOf(all, ({ code }) => code !== 0);
  });
}

function answerOf(one: Each<ExecAnswer>): ExecAnswer {
  if (one.state === 'answered') return one.answer;
  const none = { code: null, output: '', leftOut: 0, late: false };
  return one.state === 'unreachable' ? { ...none, unreachable: one.reason } : { ...none, missing: one.reason };
}
