import { removeKept } from '../../playbooks/kept.ts';
import { type Kept, keptName, keptScript, originOf, parseKept } from '../cluster/kept.ts';
import { verdict } from '../decisions/verdict.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { expectHost } from '../inventory/select.ts';
import { suggest } from '../inventory/suggest.ts';
import { print, printJson } from '../run/ask.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import type { CommonOptions } from '../run/options.ts';
import { askEach, readOnlyRun } from '../run/read-only.ts';
import { refuseUnless } from '../run/refuse.ts';
import { readSetup } from '../run/setup.ts';
import { bytes, isoSeconds } from '../units.ts';
import { paint, table } from '../view/style.ts';
import { visible } from '../view/visible.ts';

/** `hapg kept list`: lists the data that operations have set aside on the selected hosts. */
export async function keptListCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  return readOnlyRun(setup, 'kept list', async (run) => {
    const answers = await askEach(run, async (host) =>
      parseKept((await run.session.ask(host, keptScript(setup.cluster, host))).output, host.name),
    );
    const all = answers.flatMap(({ answer }) => answer);
    if (setup.json) printJson({ kept: all.map(documentOf) });
    else if (all.length === 0) print('nothing is set aside');
    else
      print(
        `${table([
          ['NAME', 'PART', 'BY', 'WHEN', 'SIZE'],
          ...all.map((one) => [
            visible(keptName(one)),
            one.part,
            one.origin,
            isoSeconds(one.at / 1000),
            `${sizeOf(one)}${one.obstacles.length > 0 ? paint.yellow(`  ${one.obstacles.join(', ')}`) : ''}`,
          ]),
        ])}\n\n${bytes(all.reduce((sum, one) => sum + (one.bytes ?? 0), 0))} in all; "hapg kept rm NAME" deletes one`,
      );
    return EXIT.done;
  });
}

const sizeOf = (one: Kept): string => (one.bytes === undefined ? 'unknown' : bytes(one.bytes));

const documentOf = (one: Kept) => ({
  name: keptName(one),
  ...{ host: one.host, path: one.path, part: one.part, origin: one.origin },
  date: isoSeconds(one.at / 1000),
  bytes: one.bytes ?? null,
  obstacles: one.obstacles,
});

/** The flags of `hapg kept rm`. */
export interface KeptRmOptions extends OperateOptions {
  confirm?: string;
}

/** `hapg kept rm NAME`: deletes one directory that was set aside. The operator types its name. */
export async function keptRmCommand(name: string, options: KeptRmOptions): Promise<number> {
  const [, hostName = '', path = ''] = /^([^:/]+):(\/.*)$/.exec(name) ?? [];
  if (!hostName) throw new UsageError(`${name}: expected HOST:PATH, as "hapg kept list" prints it`);
  if (!originOf(path) || /\/\.{0,2}(\/|$)/.test(path))
    throw new UsageError(
      `${path}: no operation of hapg names what it sets aside so; "hapg kept list" prints the names`,
    );
  expectHost(readSetup({ ...options, quiet: true }).cluster, hostName, hostName);
  return operate(
    'kept rm',
    {
      ...{ ...options, typed: options.confirm, asItIs: true, emergency: true },
      // A full disk is what this is for, and other hosts have no part in it.
      goesWithout: (host) => host.name !== hostName,
    },
    async (op) => {
      const host = op.host(hostName);
      const all = parseKept(await op.ask(host, 'kept data', keptScript(op.cluster, host)), hostName);
      const one = all.find((other) => other.path === path);
      if (!one)
        throw new Refused(
          `${name}: there is no such kept data${suggest(
            path,
            all.map((other) => other.path),
          )}; "hapg kept list" prints the names`,
          'directory',
        );
      refuseUnless(
        verdict(
          one.obstacles.map((why) => `${name}: ${why}`),
          'directory',
        ),
      );
      return {
        explain: `! ${path} on ${hostName} is DELETED: ${sizeOf(one)} of a ${one.part === 'dcs' ? 'DCS member' : one.part}, set aside by ${one.origin} on ${isoSeconds(one.at / 1000)}. There is no way back`,
        question: `Delete ${name}?`,
        typed: name,
        hosts: [host],
        // The cluster has no part in it, and may be gone or ill: its status says nothing about this.
        ends: true,
        document: () => ({ removed: documentOf(one) }),
        run: () => removeKept(op, host, one),
      };
    },
  );
}
