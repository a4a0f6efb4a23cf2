import { hostname, userInfo } from 'node:os';
import type { LoadFigures } from '../cluster/client-load.ts';
import { checkIdentity } from '../cluster/decisions/admission.ts';
import { unchanged } from '../cluster/decisions/unchanged.ts';
import { DEFAULT_LIMITS, steady } from '../cluster/decisions/update.ts';
import type { Verdict } from '../cluster/decisions/verdict.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { ClientLoad } from '../engine/client-load.ts';
import { Journal, lastRunDied, newRunId } from '../engine/journal.ts';
import { holder, lockAll } from '../engine/lock.ts';
import { Operation } from '../engine/operation.ts';
import { Recorder } from '../engine/record.ts';
import { EXIT, Interrupted, KnownError, Refused, UsageError } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { SecretStore } from '../secrets/store.ts';
import { showFigures, showOperation } from '../view/operation.ts';
import {
  type CommonOptions,
  confirm,
  confirmTyped,
  LOST_FOR_GOOD,
  needsAnswer,
  notConfirmed,
  print,
  printJson,
  type Setup,
  setup,
  start,
  unreachableError,
} from './common.ts';
import { settled } from './status.ts';
import { confirmUnchanged } from './unchanged.ts';

export interface OperateOptions extends CommonOptions {
  probe?: boolean;
  /** What was typed for `typed` of the intent, on the command line. */
  typed?: string | undefined;
  /** The command is for a cluster that is not whole: it does not wait for one that a killed run has left to settle. */
  asItIs?: boolean;
  /** The command can be about some hosts only; others are about the whole cluster, and refuse --limit. */
  selects?: boolean;
  /** Hosts without which the command goes on when they do not answer. */
  goesWithout?: (host: Host) => boolean;
  /** The command may be the first that this inventory sees: its secret store is made. */
  mayBeNew?: boolean;
}

/** What a command has decided to do after its look at the cluster. */
export interface Intent {
  /** For the person, before the question. */
  explain: string;
  question: string;
  /** A name that has to be typed, because what is done cannot be taken back. */
  typed?: string;
  hosts: readonly Host[];
  /** Does it; `beginProbe` starts the client load where it should not start at once. */
  run(beginProbe: () => Promise<void>): Promise<void>;
  /** The load starts when `run` calls for it. */
  probeLater?: boolean;
  /** The model that the cluster shall be like afterwards, where that is another one. */
  after?: Cluster;
  /** The model that a failure has left the cluster with, where that is another one. */
  onFailure?: () => Cluster;
  /** There is no cluster afterwards, so nobody looks how it is. */
  ends?: boolean;
  /** More for the JSON document. */
  document?: () => Record<string, unknown>;
}

/** Throws Refused with every reason, saying that nothing was changed. */
export function refuseUnless(verdict: Verdict): void {
  if (!verdict.ok)
    throw new Refused(`refused, nothing was changed:\n${verdict.reasons.map((reason) => `  - ${reason}`).join('\n')}`);
}

/**
 * The frame of every planned change of a living cluster: all hosts connected and locked, what a dead run has left undone,
 * identity checked, the intent shown and confirmed; then the work, with everything temporary put back whatever happens,
 * and a result that is only good when `status` is. `decide` returns undefined when there is nothing to do.
 * `edit` changes the inventory's text that the model is made of; writing it is the command's business.
 */
export async function operate(
  command: string,
  options: OperateOptions,
  decide: (op: Operation, snapshot: Snapshot, made: Setup, store: SecretStore) => Promise<Intent | undefined>,
  edit?: (text: string) => string,
): Promise<number> {
  const started = performance.now();
  if (!options.selects && (options.limit || options.tags || options.skipTags))
    throw new UsageError(`hapg ${command} is about the whole cluster: without --limit, --tags and --skip-tags`);
  const made = setup(options, edit);
  needsAnswer('Changes', options);
  if (options.probe && made.cluster.source)
    throw new UsageError(
      `${made.cluster.name} is a standby of ${made.cluster.source.name} and takes no writes: without --probe`,
    );
  const { cluster } = made;
  const run = newRunId();
  const store = (await SecretStore.read(cluster)) ?? (options.mayBeNew ? await SecretStore.create(cluster) : undefined);
  if (!store)
    throw new Refused(`${cluster.stateDir} has no secret store: this inventory has not been applied from here`);
  const { session, progress, interrupt } = await start(made, run, () => store.all());
  try {
    const unreachable = await session.openAll(cluster.hosts);
    const there = cluster.hosts.filter((host) => !unreachable.has(host.name));
    if (there.length === 0 || cluster.hosts.some((one) => unreachable.has(one.name) && !options.goesWithout?.(one)))
      throw unreachableError(unreachable, LOST_FOR_GOOD);
    for (const { message } of unreachable.values()) session.options.emit({ type: 'note', text: message });
    const lock = { who: holder(run, command), waitSeconds: Number(options.lockWait) };
    await lockAll(session, there, lock);
    await confirmUnchanged(made, store);
    const journal = Journal.open(cluster, run);
    const op = new Operation(session, new Recorder(session.options.emit, journal), lock);
    op.leaveOut(cluster.hosts.filter((host) => !there.includes(host)));
    const by = `${userInfo().username}@${hostname()}`;
    const begin = (hosts: readonly Host[]) =>
      journal.write('start', { command, by, cluster: cluster.name, hosts: hosts.map((host) => host.name) });
    const died = lastRunDied(cluster);
    const patience = died ? CALM_MS : cycle(cluster);
    let seen: Snapshot | undefined;
    const intent = await firstLook(op, store, options.asItIs ? undefined : patience)
      .then((snapshot) => decide(op, (seen = snapshot), made, store))
      .catch((cause: unknown) => {
        // So that the next run does not wait for the same again.
        if (died && cause instanceof Refused) {
          begin([]);
          journal.write('end', { result: 'refused' });
        }
        throw cause;
      });
    if (!intent) {
      await progress.end();
      if (made.json) printJson(document(true, run, started, [], op, undefined));
      else print('Nothing to do');
      return EXIT.done;
    }
    const about = { ...options, explain: intent.explain };
    const ask = intent.typed ? confirmTyped(intent.question, intent.typed, about) : confirm(intent.question, about);
    if (!(await ask)) throw notConfirmed();
    if (!options.yes && !options.asItIs) refuseUnless(unchanged(seen!, await op.look()));
    begin(intent.hosts);
    const { error, figures, left } = await work(op, intent, options.probe ? store : undefined);
    // Pressed twice, Ctrl-C waits for nothing any more.
    const now = (error ? intent.onFailure?.() : intent.after) ?? cluster;
    const problems = intent.ends
      ? []
      : !interrupt.hard.aborted
        ? (await settled(session.through(now), now, store, error ? 0 : SETTLE_MS)).problems
        : [{ code: 'interrupted', host: '', message: 'not looked at, for this run was interrupted; see hapg status' }];
    const ok = !error && problems.length === 0;
    journal.write('end', {
      result: error instanceof Interrupted ? 'interrupted' : error ? 'failed' : ok ? 'ok' : 'not healthy',
      changed: op.recorder.done.length,
      failed: op.recorder.failed,
      switchovers: op.switchovers,
      ...figures,
    });
    if (!interrupt.hard.aborted)
      await op.audit(`${command} changed=${op.recorder.done.length} result=${ok ? 'ok' : 'failed'} by=${by}`);
    await progress.end();
    if (made.json)
      printJson({
        ...document(ok, run, started, intent.hosts, op, figures),
        ...intent.document?.(),
        ...(error ? { failed: op.recorder.failed } : {}),
        problems,
      });
    else {
      print(showOperation(op.recorder.done, op.switchovers));
      if (figures) print(showFigures(figures));
      for (const line of left) print(line);
      for (const { host, message } of problems) print(`${host || cluster.name}: ${message}`);
    }
    if (error) throw error;
    return ok ? EXIT.done : EXIT.refused;
  } finally {
    session.close();
    await progress.end();
  }
}

/** What is there, once identity is checked and the leftovers of a dead run are undone. Throws Refused. */
async function firstLook(op: Operation, store: SecretStore, patienceMs: number | undefined): Promise<Snapshot> {
  const found = await op.look();
  refuseUnless(checkIdentity(op.cluster, found, store.known()));
  const cleared = await op.clearLeftovers(found);
  for (const text of cleared) op.session.options.emit({ type: 'note', text });
  if (patienceMs === undefined) return cleared.length > 0 ? op.look() : found;
  return whenSteady(op, cleared.length > 0 ? CALM_MS : patienceMs, cleared.length > 0 ? undefined : found);
}

/**
 * What is there once it is steady (or as `judge` wants it), or when patience is at its end: what is wrong then is for the command to judge. After a
 * run that was killed services come up again; and what members tell of each other is a cycle of Patroni old.
 */
export async function whenSteady(
  op: Operation,
  patienceMs: number,
  found?: Snapshot,
  judge = (snapshot: Snapshot) => steady(op.cluster, snapshot, DEFAULT_LIMITS),
): Promise<Snapshot> {
  const { clock } = op.session;
  const end = clock.now() + patienceMs;
  let told = '';
  for (let snapshot = found ?? (await op.look()); ; snapshot = await op.look()) {
    const verdict = judge(snapshot);
    if (verdict.ok || clock.now() >= end) return snapshot;
    const reason = verdict.reasons[0]!;
    if (reason !== told) op.session.options.emit({ type: 'note', text: `looking again, for ${reason}` });
    told = reason;
    await op.pause(1000, true);
  }
}

/**
 * How long a short disturbance lasts (ms): a replica whose connection was cut asks again after PostgreSQL's
 * wal_retrieve_retry_interval, and Patroni reports that within one of its cycles.
 */
export const cycle = ({ timing }: Cluster): number => RECONNECT_MS + (timing.patroni.loop_wait + 1) * 1000;

/** PostgreSQL's default of wal_retrieve_retry_interval (ms). */
const RECONNECT_MS = 5000;

/** For a run that was killed; milliseconds. */
const CALM_MS = 120_000;
/** Until the sync standby is named again and checks have settled; milliseconds. */
const SETTLE_MS = 60_000;

const document = (
  ok: boolean,
  run: string,
  started: number,
  hosts: readonly Host[],
  { switchovers }: Operation,
  figures: LoadFigures | undefined,
) => ({
  ok,
  run,
  duration_ms: Math.round(performance.now() - started),
  hosts: hosts.map((host) => host.name),
  switchovers,
  ...figures,
});

/** Does the work and puts back what is temporary; a known error is an outcome, told after the cluster was looked at. */
async function work(
  op: Operation,
  intent: Intent,
  probeWith: SecretStore | undefined,
): Promise<{ error?: KnownError; figures?: LoadFigures | undefined; left: string[] }> {
  let load: ClientLoad | undefined;
  const begin = async () => {
    if (probeWith) load ??= await ClientLoad.start(op.session, probeWith);
  };
  let error: KnownError | undefined;
  try {
    if (!intent.probeLater) await begin();
    await intent.run(begin);
  } catch (cause) {
    // A bug is no reason to leave a host drained; after that it is told as what it is.
    if (!(cause instanceof KnownError)) {
      await op.releaseAll();
      throw cause;
    }
    error = op.session.interrupt.soft.aborted ? new Interrupted('interrupted; run again to go on') : cause;
    if (error === cause) op.failed(cause);
  }
  const left = await op.releaseAll();
  let figures: LoadFigures | undefined;
  try {
    figures = await load?.stop();
  } catch (cause) {
    left.push(`what clients saw is not known: ${(cause as Error).message}`);
  }
  return { ...(error ? { error } : {}), figures, left };
}
