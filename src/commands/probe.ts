import { randomBytes } from 'node:crypto';
import { LOAD_S } from '../bounds/controller.ts';
import { passes } from '../clock.ts';
import type { Glance, LoadFigures } from '../cluster/client-load.ts';
import { describeDuration, parseDuration } from '../duration.ts';
import { ClientLoad, ownLoad } from '../engine/client-load.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { hostsWith } from '../inventory/model.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { reachAll } from '../run/reach.ts';
import { type Run, withRun } from '../run/run.ts';
import { readSetup } from '../run/setup.ts';
import { SecretStore } from '../secrets/store.ts';
import { showFigures, showGlance } from '../view/operation.ts';
import { screen } from '../view/screen.ts';

/** Interval between two displays of the figures (ms). */
const SHOW_MS = 1000;
/** The largest rate: each attempt is a connection of its own, and a loop of sh makes no more. */
const MOST_A_SECOND = 100;

/** The flags of `hapg probe`. */
export interface ProbeOptions extends CommonOptions {
  for: string;
  rate?: string;
}

/** Reads the flags. Throws UsageError. */
export function readProbeFlags(options: Pick<ProbeOptions, 'for' | 'rate'>): { seconds: number; rate?: number } {
  let seconds: number;
  try {
    seconds = parseDuration(options.for, LOAD_S);
  } catch (cause) {
    throw new UsageError(`--for ${options.for}: ${(cause as Error).message}`);
  }
  if (options.rate === undefined) return { seconds };
  const rate = Number(options.rate);
  if (!/^\d+$/.test(options.rate) || rate < 1 || rate > MOST_A_SECOND)
    throw new UsageError(`--rate ${options.rate}: a whole number from 1 to ${MOST_A_SECOND} is needed`);
  return { seconds, rate };
}

/**
 * `hapg probe`: writes and reads as a client until the time is over or Ctrl-C, and tells what a client saw. Exits 1 when an
 * acknowledged row is lost. It takes no lock, so it can run beside any other command.
 */
export async function probeCommand(options: ProbeOptions): Promise<number> {
  const { seconds, rate } = readProbeFlags(options);
  const setup = readSetup({ ...options, quiet: true });
  const { cluster } = setup;
  if (cluster.upstream)
    throw new Refused(`${cluster.name} is a standby of ${cluster.upstream.name} and takes no writes`, 'standing');
  const store = await SecretStore.read(cluster);
  if (!store)
    throw new Refused(
      `${fromHere(cluster.stateDir)} has no secret store: this inventory has not been applied from here`,
      'store_missing',
    );
  const client = hostsWith(cluster, 'client').slice(0, 1);
  return withRun(setup, 'probe', { secrets: () => store.all(), shown: client }, async (run) => {
    await reachAll(run, client);
    await run.progress.end();
    const load = await ClientLoad.start(run.session, store, ownLoad(randomBytes(4).toString('hex'), rate));
    const figures = await measured(run, load, seconds, !options.quiet);
    if (setup.json) printJson(documentOf(run, figures));
    else print(showFigures(figures));
    return figures.writes.lost > 0 ? EXIT.refused : EXIT.done;
  });
}

const documentOf = ({ id, started }: Run, figures: LoadFigures) => ({
  ok: figures.writes.lost === 0,
  run: id,
  duration_ms: Math.round(performance.now() - started),
  ...figures,
});

/** Lets a load run for a time, shows its figures meanwhile where there is a terminal for them, and returns them. */
async function measured(
  { session: { clock }, interrupt, setup }: Run,
  load: Pick<ClientLoad, 'glance' | 'stop'>,
  seconds: number,
  isShown: boolean,
): Promise<LoadFigures> {
  const end = clock.now() + seconds * 1000;
  const draws = isShown && !setup.json && screen.hasRoomFor(1);
  let seen: Glance | undefined;
  try {
    while (clock.now() < end) {
      if (draws) {
        // A moment without an answer is for the figures at the end, not the end of the measurement.
        seen = await load.glance().catch(() => seen);
        const left = describeDuration(Math.max(0, Math.round((end - clock.now()) / 1000)));
        if (seen) screen.draw(`${showGlance(seen)}; ${left} left, Ctrl-C ends\n`);
      }
      if (!(await passes(clock, Math.min(SHOW_MS, Math.max(0, end - clock.now())), interrupt.soft))) break;
    }
  } finally {
    if (draws) screen.draw('');
  }
  return load.stop();
}
