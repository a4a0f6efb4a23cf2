import { print, printJson } from '../run/ask.ts';
import { type Each, eachHost, exitOf } from '../run/each.ts';
import type { CommonOptions } from '../run/options.ts';
import { readOnlyRun } from '../run/read-only.ts';
import { readSetup } from '../run/setup.ts';
import { paint, table } from '../view/style.ts';
import { visible } from '../view/visible.ts';

/** Prints the user's number and the name of the system (os-release(5)). */
const WHO = 'id -u; ( . /etc/os-release && printf %s "$PRETTY_NAME" )';

/** What a host told. */
interface Pong {
  /** The shell is the super user's. */
  root: boolean;
  os: string;
  /** Time of one question and its answer (ms). */
  ms: number;
}

/** `hapg ping`: connects to the selected hosts, becomes root there, and measures a round trip. Changes nothing. */
export async function pingCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  return readOnlyRun(setup, 'ping', async (run) => {
    const { session } = run;
    const all = await eachHost(run, async (host): Promise<Pong> => {
      const [user = '', os = ''] = (await session.ask(host, WHO)).output.split('\n');
      const begun = performance.now();
      await session.ask(host, ':');
      return { root: user === '0', os: os.trim(), ms: Math.round((performance.now() - begun) * 10) / 10 };
    });
    if (setup.json) printJson({ hosts: Object.fromEntries(all.map((one) => [one.host, documentOf(one)])) });
    else print(table([['HOST', 'ROUND TRIP', 'ROOT', 'SYSTEM'], ...all.map(rowOf)]));
    return exitOf(all, ({ root }) => !root);
  });
}

/** A host in JSON; `code` and `output` are those of `hapg exec`. */
const documentOf = (one: Each<Pong>) =>
  one.state === 'answered'
    ? { code: one.answer.root ? 0 : 1, output: one.answer.os, ...one.answer }
    : { code: null, output: '', [one.state]: one.reason };

const rowOf = (one: Each<Pong>): string[] =>
  one.state === 'answered'
    ? [
        paint.cyan(one.host),
        `${one.answer.ms.toFixed(1)} ms`,
        one.answer.root ? 'yes' : paint.red('no'),
        visible(one.answer.os),
      ]
    : [paint.cyan(one.host), '-', '-', paint.red(visible(one.reason))];
