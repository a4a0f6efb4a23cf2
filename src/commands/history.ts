import { ASK_S } from '../bounds/hosts.ts';
import { readHistory } from '../cluster/history.ts';
import { EXIT, Refused } from '../errors.ts';
import { hostsWith } from '../inventory/model.ts';
import { patroniRest } from '../observe/patroni.ts';
import { printHistory } from '../programs/patroni.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { reachAny, readOnlyRun } from '../run/read-only.ts';
import { readSetup } from '../run/setup.ts';
import { table } from '../view/style.ts';

/** `hapg history`: lists the changes of leader, newest last, as Patroni has noted them. */
export function historyCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { cluster, json } = setup;
  return readOnlyRun(setup, 'history', async (run) => {
    const reached = await reachAny(run, hostsWith(cluster, 'patroni'));
    await run.progress.end();
    for (const host of reached) {
      const { code, output } = await run.session.ask(host, printHistory(patroniRest(cluster, host)), ASK_S);
      const history = code === 0 ? readHistory(output) : undefined;
      if (!history) continue;
      if (json) printJson({ cluster: cluster.name, history });
      else if (history.length === 0) print(`${cluster.name} is on its first timeline`);
      else
        print(
          table([
            ['TIMELINE', 'ENDED', 'AT', 'NEXT LEADER', 'REASON'],
            ...history.map(({ timeline, at, lsn, leader, reason }) => [
              String(timeline),
              at ?? '?',
              lsn,
              leader ?? '?',
              reason,
            ]),
          ]),
        );
      return EXIT.done;
    }
    throw new Refused(
      `Patroni answers on none of ${reached.map(({ name }) => name).join(', ')}; see "hapg status"`,
      'unknown',
    );
  });
}
