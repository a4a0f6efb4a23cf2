import { passes } from '../clock.ts';
import { EXIT } from '../errors.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { withRun } from '../run/run.ts';
import { readSetup, reportStoreWarnings } from '../run/setup.ts';
import { takeStatus } from '../run/status.ts';
import { SecretStore } from '../secrets/store.ts';
import { screen } from '../view/screen.ts';
import { showStatus } from '../view/status.ts';
import { paint } from '../view/style.ts';

/** Interval between two displays of --watch (ms). */
const WATCH_MS = 2000;

/** The flags of `hapg status`. */
export interface StatusOptions extends CommonOptions {
  watch?: boolean;
}

/** `hapg status`: exits 0 when healthy, 1 when not. */
export async function statusCommand(options: StatusOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  let store = await SecretStore.read(setup.cluster);
  reportStoreWarnings(store, options);
  return withRun(setup, 'status', { secrets: () => store?.all() ?? [] }, async ({ session, interrupt }) => {
    for (;;) {
      const status = await takeStatus(session, setup.cluster, setup.hosts, store);
      if (setup.json) printJson(status);
      else {
        if (options.watch) screen.clear();
        print(showStatus(status));
        if (options.watch) print(paint.dim(`\n${new Date().toISOString()}  Ctrl-C ends`));
      }
      const goesOn = options.watch && screen.isRead && (await passes(session.clock, WATCH_MS, interrupt.soft));
      if (!goesOn) return status.healthy ? EXIT.done : EXIT.refused;
      // Read again: after a rotation meanwhile the hosts' store would seem newer.
      store = await SecretStore.read(setup.cluster);
    }
  });
}
