import { calm, checksSettle, reconnected } from '../bounds/patroni.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { checkIdentity } from '../decisions/admission.ts';
import { unchanged } from '../decisions/unchanged.ts';
import { stopOn } from '../engine/interrupt.ts';
import { lastRunDied } from '../engine/journal.ts';
import { lockAll } from '../engine/lock.ts';
import type { Operation } from '../engine/operation.ts';
import { EXIT, Interrupted, Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { expectHost } from '../inventory/select.ts';
import { SecretStore } from '../secrets/store.ts';
import type { Problem } from '../status/status.ts';
import { showFigures, showOperation } from '../view/operation.ts';
import { confirm, confirmTyped, needsAnswer, notConfirmed, print, printJson } from './ask.ts';
import { whenSteady } from './calm.ts';
import { type ChangingRun, changingRun } from './changing-run.ts';
import { expectHooks } from './hooks.ts';
import type { Intent, OperateOptions } from './intent.ts';
import { awaitUnits, clearLeftovers } from './leftovers.ts';
import { LOST_FOR_GOOD, reachSome } from './reach.ts';
import { refuseUnless } from './refuse.ts';
import { type Run, withRun } from './run.ts';
import { readSetup, type Setup } from './setup.ts';
import { silenceAlerts } from './silence.ts';
import { awaitStart } from './start-at.ts';
import { settledStatus } from './status.ts';
import { confirmUnchanged } from './unchanged.ts';
import { notify } from './webhook.ts';
import { performWork, type WorkResult } from './work.ts';

/** Decides what to do; undefined when there is nothing to do. Throws Refused. */
export type Decide = (
  op: Operation,
  snapshot: Snapshot,
  setup: Setup,
  store: SecretStore,
) => Promise<Intent | undefined>;

/**
 * The frame of every planned change of a running cluster: connects and locks all hosts, checks their identity, waits
 * for the units of an interrupted run and runs its undos, shows the intent and asks for confirmation, observes again,
 * does the work, runs all undos whatever happens, and reads `status`, which decides the exit code. `edit` changes the
 * inventory's text from which the model is made; the command writes it.
 */
export async function operate(
  command: string,
  options: OperateOptions,
  decide: Decide,
  edit?: (text: string) => string,
): Promise<number> {
  const started = performance.now();
  if (!options.selects && (options.limit || options.tags || options.skipTags))
    throw new UsageError(`hapg ${command} is about the whole cluster: without --limit, --tags and --skip-tags`);
  if (options.tags || options.skipTags)
    throw new UsageError(`hapg ${command} works on whole hosts: without --tags and --skip-tags`);
  const setup = readSetup(options, edit);
  const { cluster } = setup;
  expectHooks(cluster);
  for (const { how, name, role } of options.named ?? []) expectHost(cluster, how, name, role);
  needsAnswer('Changes', options);
  if (options.probe && cluster.upstream)
    throw new UsageError(
      `${cluster.name} is a standby of ${cluster.upstream.name} and takes no writes: without --probe`,
    );
  const store = (await SecretStore.read(cluster)) ?? (options.mayBeNew ? await SecretStore.create(cluster) : undefined);
  if (!store)
    throw new Refused(
      `${fromHere(cluster.stateDir)} has no secret store: this inventory has not been applied from here`,
      'store_missing',
    );
  if (options.at !== undefined) {
    await awaitStart({ command, cluster: cluster.name, at: options.at }, options);
    // Everything is read anew then: the inventory may be another one by that time.
    return operate(command, { ...options, at: undefined, yes: true }, decide, edit);
  }
  return withRun(setup, command, { secrets: () => store.all(), started }, async (run) => {
    const change = await take(run, options, store);
    const { op } = change;
    const { intent, snapshot } = await decided(change, options, store, (found) => decide(op, found, setup, store));
    if (!intent) return nothingToDo(run, change, store);
    await change.beforeWork(() => confirmed(op, options, intent, snapshot));
    change.begin({ hosts: intent.hosts.map((host) => host.name) });
    await silenceAlerts(op, `hapg ${command}, run ${run.id}`);
    const worked = await performWork(op, intent, options.probe ? store : undefined);
    const problems = await problemsAfter(run, intent, worked, store);
    return report(run, change, intent, worked, { problems, store });
  });
}

/** Connects to all hosts and locks them; leaves out unreachable ones that the command does not need. */
async function take(run: Run, { goesWithout }: OperateOptions, store: SecretStore): Promise<ChangingRun> {
  const { cluster, session, setup } = run;
  const { reached, missing } = await reachSome(run, cluster.hosts, (host) => !goesWithout?.(host), LOST_FOR_GOOD);
  for (const text of missing) session.options.emit({ type: 'note', text });
  const change = changingRun(run);
  await lockAll(session, reached, change.locking);
  await confirmUnchanged(setup, store);
  change.op.leaveOut(cluster.hosts.filter((host) => !reached.includes(host)));
  return change;
}

/** Asks for confirmation of the intent, and observes again after the question. Throws Refused or Interrupted. */
async function confirmed(
  op: Operation,
  options: OperateOptions,
  { question, typed, explain }: Intent,
  snapshot: Snapshot,
): Promise<void> {
  const about = { ...options, explain };
  if (!(await (typed ? confirmTyped(question, typed, about) : confirm(question, about)))) throw notConfirmed();
  if (!options.yes && !options.emergency) refuseUnless(unchanged(snapshot, await op.observe()));
}

/** Reports that nothing is to do, and the problems that `status` finds nevertheless. Returns the exit code. */
async function nothingToDo(run: Run, { op, endWithoutWork }: ChangingRun, store: SecretStore): Promise<number> {
  const isCleared = op.recorder.done.length > 0;
  const problems = await problemsOf(run, run.cluster, store, isCleared ? checksSettle(run.cluster.timing) : 0);
  const ok = problems.length === 0;
  endWithoutWork(ok ? 'ok' : 'not healthy');
  await run.progress.end();
  if (run.setup.json) printJson({ ...documentOf(run, op, [], { ok }), problems });
  else {
    print('Nothing to do');
    printProblems(run, problems);
  }
  return ok ? EXIT.done : EXIT.refused;
}

/** Decides what to do. Returns the intent and the snapshot that it is based on. */
async function decided(
  { op, beforeWork, endWithoutWork }: ChangingRun,
  { asItIs, emergency }: OperateOptions,
  store: SecretStore,
  decide: (snapshot: Snapshot) => Promise<Intent | undefined>,
): Promise<{ intent: Intent | undefined; snapshot: Snapshot }> {
  const died = lastRunDied(op.cluster);
  const patience = died ? calm(op.cluster.timing) : reconnected(op.cluster.timing);
  try {
    return await beforeWork(async () => {
      const snapshot = await firstLook(op, store, { emergency, patienceMs: asItIs ? undefined : patience });
      return { intent: await decide(snapshot), snapshot };
    });
  } catch (cause) {
    // The next run does not wait again.
    if (cause instanceof Refused) endWithoutWork('refused', died);
    throw cause;
  }
}

/** Observes the cluster after checking its identity and clearing what an interrupted run has left. Throws Refused. */
async function firstLook(
  op: Operation,
  store: SecretStore,
  { emergency, patienceMs }: { emergency: boolean | undefined; patienceMs: number | undefined },
): Promise<Snapshot> {
  let found = await op.observe();
  refuseUnless(checkIdentity(op.cluster, found, store.known()));
  if (!emergency && (await awaitUnits(op, found))) found = await op.observe();
  const cleared = await clearLeftovers(op, found);
  if (patienceMs === undefined) return cleared ? op.observe() : found;
  return whenSteady(op, cleared ? calm(op.cluster.timing) : patienceMs, cleared ? undefined : found);
}

/** The problems that `status` finds after the work. */
async function problemsAfter(
  run: Run,
  intent: Intent,
  { error }: WorkResult,
  store: SecretStore,
): Promise<readonly Problem[]> {
  if (intent.ends) return [];
  const now = (error ? intent.onFailure?.() : intent.after) ?? run.cluster;
  return problemsOf(run, now, store, error ? 0 : checksSettle(now.timing), intent.expects);
}

/** The problems that `status` finds in a model of the cluster, once all are expected or `waitMs` have passed. */
async function problemsOf(
  { session, interrupt }: Run,
  cluster: Cluster,
  store: SecretStore,
  waitMs: number,
  expects: (problem: Problem) => boolean = () => false,
): Promise<readonly Problem[]> {
  // After the second Ctrl-C nothing is waited for.
  try {
    stopOn(interrupt.hard);
    return (await settledStatus(session.through(cluster), cluster, store, waitMs, expects)).problems;
  } catch (cause) {
    if (!(cause instanceof Interrupted)) throw cause;
  }
  return [{ code: 'interrupted', host: '', message: 'not checked, because this run was interrupted; see hapg status' }];
}

/**
 * Records the result on the controller and on the hosts, and reports it to the operator. Returns the exit code or throws
 * the error.
 */
async function report(
  run: Run,
  { op, end }: ChangingRun,
  intent: Intent,
  { error, figures, left }: WorkResult,
  { problems, store }: { problems: readonly Problem[]; store: SecretStore },
): Promise<number> {
  const { done, failed } = op.recorder;
  const ok = !error && problems.every((one) => intent.expects?.(one) ?? false);
  const result = error instanceof Interrupted ? 'interrupted' : error ? 'failed' : ok ? 'ok' : 'not healthy';
  end({
    result,
    changed: done.length,
    failed,
    switchovers: op.switchovers,
    ...figures,
  });
  if (!run.interrupt.hard.aborted) await op.audit({ by: run.by, command: run.command, changed: done.length, result });
  await notify(run, store, { result, changed: done.length, failed });
  await run.progress.end();
  if (run.setup.json)
    printJson({
      ...documentOf(run, op, intent.hosts, { ok, ...figures }),
      ...intent.document?.(),
      ...(error ? { failed } : {}),
      ...(left.length > 0 ? { left } : {}),
      problems,
    });
  else {
    print(showOperation(done, op.switchovers));
    if (figures) print(showFigures(figures));
    const lines = intent.result?.();
    if (lines) print(lines);
    for (const line of left) print(line);
    printProblems(run, problems);
  }
  if (error) throw error;
  return ok ? EXIT.done : EXIT.refused;
}

function printProblems({ cluster }: Run, problems: readonly Problem[]): void {
  for (const { host, message } of problems) print(`${host || cluster.name}: ${message}`);
}

/** The JSON document of an operation. */
const documentOf = (
  { id, started }: Run,
  { switchovers }: Operation,
  hosts: readonly Host[],
  { ok, ...figures }: { ok: boolean },
) => ({
  ok,
  run: id,
  duration_ms: Math.round(performance.now() - started),
  hosts: hosts.map((host) => host.name),
  switchovers,
  ...figures,
});
