import { passes } from '../clock.ts';
import { settleAll } from '../engine/pool.ts';
import { EXIT, KnownError, UsageError } from '../errors.ts';
import { severalInventories } from '../inventory/several.ts';
import { EVERYTHING } from '../observe/question.ts';
import { print, printJson, printMessage } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { askedCredentials, withRun } from '../run/run.ts';
import { readSetup, reportStoreWarnings } from '../run/setup.ts';
import { takeStatus } from '../run/status.ts';
import { SecretStore } from '../secrets/store.ts';
import { withFigures } from '../status/figures-status.ts';
import type { Status } from '../status/status.ts';
import { screen } from '../view/screen.ts';
import { showOverview, showStatus } from '../view/status.ts';
import { prometheusStatus } from '../view/status-prometheus.ts';
import { paint } from '../view/style.ts';

/** Interval between two displays of --watch (ms). */
const WATCH_MS = 2000;

/** Number of displays of --watch with the same figures: the size of a database costs a look at every file. */
const FIGURES_EVERY = 15;

/** Number of clusters that are asked at once. */
const CLUSTERS_AT_ONCE = 8;

/** What it asks hosts: also what only a person reads. */
const ABOUT = [...EVERYTHING, 'figures'] as const;

/** The flags of `hapg status`. */
export interface StatusOptions extends Omit<CommonOptions, 'output'> {
  output?: StatusFormat;
  watch?: boolean;
}

/** The forms in which a status is printed. */
export type StatusFormat = 'text' | 'json' | 'prometheus';

/** The same as every command reads its options: whatever a program reads is free of words for a person. */
const asCommon = ({ output, ...options }: StatusOptions): CommonOptions => ({
  ...options,
  output: output === 'text' ? 'text' : 'json',
});

/**
 * `hapg status`: exits 0 when healthy, 1 when not, 4 when a host is out of reach. With a pattern of inventories it asks all these clusters, and ends with
 * the code of the first inventory that cannot be used.
 */
export async function statusCommand(options: StatusOptions): Promise<number> {
  const several = severalInventories(options.inventory);
  if (several === undefined) return statusOfOne(options);
  if (options.watch) throw new UsageError('--watch shows one cluster: name its inventory');
  // Asked for once for all clusters.
  const credentials = askedCredentials(asCommon(options));
  const results = await settleAll(several, CLUSTERS_AT_ONCE, async (inventory) => ({
    inventory,
    status: await statusOnce({ ...options, inventory }, credentials),
  }));
  const failed: { inventory: string; error: KnownError }[] = [];
  const found: { inventory: string; status: Status }[] = [];
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') found.push(result.value);
    else if (result.reason instanceof KnownError) failed.push({ inventory: several[index]!, error: result.reason });
    else throw result.reason;
  }
  if (options.output === 'json')
    printJson([
      ...found.map(({ inventory, status }) => ({ inventory, ...status })),
      ...failed.map(({ inventory, error }) => ({ inventory, healthy: false, error: error.message })),
    ]);
  else if (options.output === 'prometheus') {
    print(prometheusStatus(found.map(({ status }) => status)));
    for (const { error } of failed) printMessage(error.message);
  } else print(showOverview(found, failed));
  if (failed[0]) return failed[0].error.exitCode;
  return Math.max(EXIT.done, ...found.map(({ status }) => exitOf(status)));
}

/** The exit code of a status: a host that is out of reach makes it unknown, whatever the others say. */
const exitOf = ({ healthy, problems }: Status): number => {
  if (healthy) return EXIT.done;
  return problems.some(({ code }) => code === 'unreachable') ? EXIT.unreachable : EXIT.refused;
};

/** Reads the status of one cluster once. */
async function statusOnce(options: StatusOptions, credentials: ReturnType<typeof askedCredentials>): Promise<Status> {
  const setup = readSetup({ ...asCommon(options), quiet: true });
  const store = await SecretStore.read(setup.cluster);
  return withRun(setup, 'status', { secrets: () => store?.all() ?? [], credentials }, ({ session }) =>
    takeStatus(session, setup.cluster, setup.hosts, store, ABOUT),
  );
}

async function statusOfOne(options: StatusOptions): Promise<number> {
  if (options.watch && options.output === 'prometheus')
    throw new UsageError('--watch redraws a screen: without -o prometheus');
  const setup = readSetup({ ...asCommon(options), quiet: true });
  let store = await SecretStore.read(setup.cluster);
  reportStoreWarnings(store, options);
  return withRun(setup, 'status', { secrets: () => store?.all() ?? [] }, async ({ session, interrupt }) => {
    let figured: Status | undefined;
    for (let round = 0; ; round++) {
      const isFull = figured === undefined || round % FIGURES_EVERY === 0;
      const seen = await takeStatus(session, setup.cluster, setup.hosts, store, isFull ? ABOUT : EVERYTHING);
      const status = isFull || figured === undefined ? seen : withFigures(seen, figured);
      figured = status;
      if (options.output === 'prometheus') print(prometheusStatus([status]));
      else if (setup.json) printJson(status);
      else {
        if (options.watch) screen.clear();
        print(showStatus(status, options.verbose));
        if (options.watch) print(paint.dim(`\n${new Date().toISOString()}  Ctrl-C ends`));
      }
      const goesOn = options.watch && screen.isRead && (await passes(session.clock, WATCH_MS, interrupt.soft));
      if (!goesOn) return exitOf(status);
      // Read again: after a rotation meanwhile the hosts' store would seem newer.
      store = await SecretStore.read(setup.cluster);
    }
  });
}
