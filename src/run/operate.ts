import { calm, checksSettle, reconnected } from '../bounds/patroni.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { checkIdentity } from '../decisions/admission.ts';
import { unchanged } from '../decisions/unchanged.ts';
import { stopOn } from '../engine/interrupt.ts';
import { lastRunDied } from '../engine/journal.ts';
import { lockAll } from '../engine/lock.ts';
import type { Operation } from '../engine/operation.ts';
import { EXIT, Interrupted, Refused, UsageError } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { SecretStore } from '../secrets/store.ts';
import type { Problem } from '../status/status.ts';
import { showFigures, showOperation } from '../view/operation.ts';
import { confirm, confirmTyped, needsAnswer, notConfirmed, print, printJson } from './ask.ts';
import { whenSteady } from './calm.ts';
import { type Change, changing } from './change.ts';
import type { Intent, OperateOptions } from './intent.ts';
import { awaitUnits, clearLeftovers } from './leftovers.ts';
import { LOST_FOR_GOOD, reachSome } from './reach.ts';
import { refuseUnless } from './refuse.ts';
import { type Run, withRun } from './run.ts';
import { type Setup, setup } from './setup.ts';
import { settledStatus } from './status.ts';
import { confirmUnchanged } from './unchanged.ts';
import { type Worked, workOff } from './work.ts';

/** Decides what to do; undefined when there is nothing. Throws Refused. */
export type Decide = (
  op: Operation,
  snapshot: Snapshot,
  made: Setup,
  store: SecretStore,
) => Promise<Intent | undefined>;

/**
 * The frame of every planned change of a living cluster: all hosts connected and locked, identity checked, what a dead run has
 * left at work waited for and what it has left temporary undone, the intent shown and confirmed, and looked at again; then
 * the work, with everything temporary put back whatever happens, and a result that is only good when `status` is.
 * `edit` changes the inventory's text that the model is made of; writing it is the command's business.
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
  const made = setup(options, edit);
  const { cluster } = made;
  needsAnswer('Changes', options);
  if (options.probe && cluster.upstream)
    throw new UsageError(
      `${cluster.name} is a standby of ${cluster.upstream.name} and takes no writes: without --probe`,
    );
  const store = (await SecretStore.read(cluster)) ?? (options.mayBeNew ? await SecretStore.create(cluster) : undefined);
  if (!store)
    throw new Refused(`${cluster.stateDir} has no secret store: this inventory has not been applied from here`);
  return withRun(made, command, { secrets: () => store.all(), started }, async (run) => {
    const change = await take(run, options, store);
    const { op } = change;
    const { intent, snapshot } = await decided(change, options, store, (found) => decide(op, found, made, store));
    if (!intent) {
      await run.progress.end();
      if (made.json) printJson(documentOf(run, op, [], { ok: true }));
      else print('Nothing to do');
      return EXIT.done;
    }
    const about = { ...options, explain: intent.explain };
    const ask = intent.typed ? confirmTyped(intent.question, intent.typed, about) : confirm(intent.question, about);
    if (!(await ask)) throw notConfirmed();
    if (!options.yes && !options.asItIs) refuseUnless(unchanged(snapshot, await op.look()));
    change.begin({ hosts: intent.hosts.map((host) => host.name) });
    const worked = await workOff(op, intent, options.probe ? store : undefined);
    const problems = await problemsAfter(run, intent, worked, store);
    return report(run, change, intent, worked, problems);
  });
}

/** Connects to all hosts and locks them; goes on without those that the command can do without. */
async function take(run: Run, { goesWithout }: OperateOptions, store: SecretStore): Promise<Change> {
  const { cluster, session, made } = run;
  const { reached, missing } = await reachSome(run, cluster.hosts, (host) => !goesWithout?.(host), LOST_FOR_GOOD);
  for (const text of missing) session.options.emit({ type: 'note', text });
  const change = changing(run);
  await lockAll(session, reached, change.locking);
  await confirmUnchanged(made, store);
  change.op.leaveOut(cluster.hosts.filter((host) => !reached.includes(host)));
  return change;
}

/** What the command wants to do, and what it has decided by. */
async function decided(
  { op, begin, end }: Change,
  { asItIs }: OperateOptions,
  store: SecretStore,
  decide: (snapshot: Snapshot) => Promise<Intent | undefined>,
): Promise<{ intent: Intent | undefined; snapshot: Snapshot }> {
  const died = lastRunDied(op.cluster);
  const patience = died ? calm(op.cluster.timing) : reconnected(op.cluster.timing);
  try {
    const snapshot = await firstLook(op, store, asItIs ? undefined : patience);
    return { intent: await decide(snapshot), snapshot };
  } catch (cause) {
    // So that the next run does not wait for the same again.
    if (died && cause instanceof Refused) {
      begin({ hosts: [] });
      end({ result: 'refused' });
    }
    throw cause;
  }
}

/** What is there, once identity is checked and the leftovers of a dead run are gone. Throws Refused. */
async function firstLook(op: Operation, store: SecretStore, patienceMs: number | undefined): Promise<Snapshot> {
  let found = await op.look();
  refuseUnless(checkIdentity(op.cluster, found, store.known()));
  // A command for a cluster that is not whole does not wait for what may be a reason of that.
  if (patienceMs !== undefined && (await awaitUnits(op, found))) found = await op.look();
  const cleared = await clearLeftovers(op, found);
  if (patienceMs === undefined) return cleared ? op.look() : found;
  return whenSteady(op, cleared ? calm(op.cluster.timing) : patienceMs, cleared ? undefined : found);
}

/** What `status` says of the cluster that the work has left. */
async function problemsAfter(
  { cluster, session, interrupt }: Run,
  intent: Intent,
  { error }: Worked,
  store: SecretStore,
): Promise<Problem[]> {
  if (intent.ends) return [];
  const now = (error ? intent.onFailure?.() : intent.after) ?? cluster;
  // Pressed twice, Ctrl-C waits for nothing any more.
  try {
    stopOn(interrupt.hard);
    return (await settledStatus(session.through(now), now, store, error ? 0 : checksSettle(now.timing))).problems;
  } catch (cause) {
    if (!(cause instanceof Interrupted)) throw cause;
  }
  return [{ code: 'interrupted', host: '', message: 'not looked at, for this run was interrupted; see hapg status' }];
}

/** Writes down how it has ended, on the controller and on the hosts, and tells the person; returns the exit code or throws the error. */
async function report(
  run: Run,
  { op, end }: Change,
  intent: Intent,
  { error, figures, left }: Worked,
  problems: readonly Problem[],
): Promise<number> {
  const { done, failed } = op.recorder;
  const ok = !error && problems.length === 0;
  end({
    result: error instanceof Interrupted ? 'interrupted' : error ? 'failed' : ok ? 'ok' : 'not healthy',
    changed: done.length,
    failed,
    switchovers: op.switchovers,
    ...figures,
  });
  if (!run.interrupt.hard.aborted)
    await op.audit(`${run.command} changed=${done.length} result=${ok ? 'ok' : 'failed'} by=${run.by}`);
  await run.progress.end();
  if (run.made.json)
    printJson({
      ...documentOf(run, op, intent.hosts, { ok, ...figures }),
      ...intent.document?.(),
      ...(error ? { failed } : {}),
      problems,
    });
  else {
    print(showOperation(done, op.switchovers));
    if (figures) print(showFigures(figures));
    for (const line of left) print(line);
    for (const { host, message } of problems) print(`${host || run.cluster.name}: ${message}`);
  }
  if (error) throw error;
  return ok ? EXIT.done : EXIT.refused;
}

/** The JSON document of an operation, with what is known besides. */
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
