import { describeHolder } from '../engine/lock.ts';
import { observe } from '../engine/probe.ts';
import { EXIT } from '../errors.ts';
import { json } from '../programs/json.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { askEach, readOnlyRun } from '../run/read-only.ts';
import { readSetup } from '../run/setup.ts';
import { table } from '../view/style.ts';

/** `hapg lock`: shows who holds the lock of each host; takes none. */
export async function lockCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const holders = await readOnlyRun(setup, 'lock', (run) =>
    askEach(run, async (host) => (await observe(run.session, host, ['host'])).holder ?? null),
  );
  if (setup.json)
    printJson(
      holders.map(({ host, answer }) => ({
        host: host.name,
        holder: answer === null ? null : (json(answer) ?? answer),
      })),
    );
  else print(table(holders.map(({ host, answer }) => [host.name, answer === null ? 'free' : describeHolder(answer)])));
  return EXIT.done;
}
