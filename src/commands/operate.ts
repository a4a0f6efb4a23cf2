import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadFigures } from '../cluster/client-load.ts';
import { checkIdentity } from '../cluster/decisions/admission.ts';
import { DEFAULT_LIMITS, steady } from '../cluster/decisions/update.ts';
import type { Verdict } from '../cluster/decisions/verdict.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { ClientLoad } from '../engine/client-load.ts';
import { Journal, newRunId } from '../engine/journal.ts';
import { holder, lockAll } from '../engine/lock.ts';
import { Operation } from '../engine/operation.ts';
import { Recorder } from '../engine/record.ts';
import { EXIT, Interrupted, KnownError, Refused } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { SecretStore } from '../secrets/store.ts';
import { showFigures, showOperation } from '../view/operation.ts';
import {
  type CommonOptions,
  confirm,
  confirmTyped,
  needsAnswer,
  print,
  printJson,
  type Setup,
  setup,
  start,
  unreachableError,
} from './common.ts';
import { settled } from './status.ts';

export interface OperateOptions extends CommonOptions {
  probe?: boolean;
  /** What was typed for `typed` of the intent, on the command line. */
  typed?: string | undefined;
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
  const made = setup(options, edit);
  needsAnswer('Changes', options);
  const { cluster } = made;
  const run = newRunId();
  const store = await SecretStore.read(cluster);
  if (!store)
    throw new Refused(`${cluster.stateDir} has no secret store: this inventory has not been applied from here`);
  const { session, progress, interrupt } = await start(made, run, () => store.all());
  let journal: Journal | undefined;
  try {
    const unreachable = await session.openAll(cluster.hosts);
    if (unreachable.size > 0) throw unreachableError(unreachable);
    const lock = { who: holder(run, command), waitSeconds: Number(options.lockWait) };
    await lockAll(session, cluster.hosts, lock.who, lock.waitSeconds);
    journal = Journal.open(cluster, run);
    const recorder = new Recorder(session.options.emit, journal);
    const op = new Operation(session, recorder, interrupt, lock);
    const found = await op.look();
    refuseUnless(checkIdentity(cluster, found, store.known()));
    const cleared = await op.clearLeftovers(found);
    for (const line of cleared) session.options.emit({ type: 'note', text: line });
    const intent = await decide(op, cleared.length > 0 ? await calmDown(op) : found, made, store);
    if (!intent) {
      await progress.end();
      if (made.json) printJson(document(true, run, started, [], op, undefined));
      else print('Nothing to do');
      return EXIT.done;
    }
    if (!made.json) print(intent.explain);
    if (
      !(await (intent.typed ? confirmTyped(intent.question, intent.typed, options) : confirm(intent.question, options)))
    )
      throw new Refused('not confirmed; nothing was changed');
    const by = `${userInfo().username}@${hostname()}`;
    journal.write('start', { command, by, cluster: cluster.name, hosts: intent.hosts.map((host) => host.name) });
    const outcome = await work(op, intent, options.probe ?? false);
    const now = (!outcome.error && intent.after) || cluster;
    const { problems } = await settled(session.through(now), now, store, outcome.error ? 0 : SETTLE_MS);
    const ok = !outcome.error && problems.length === 0;
    journal.write('end', {
      result:
        outcome.error instanceof Interrupted ? 'interrupted' : outcome.error ? 'failed' : ok ? 'ok' : 'not healthy',
      changed: recorder.done.length,
      failed: recorder.failed,
      switchovers: op.switchovers,
      ...outcome.figures,
    });
    await op.audit(`${command} changed=${recorder.done.length} result=${ok ? 'ok' : 'failed'} by=${by}`);
    await progress.end();
    if (made.json)
      printJson({
        ...document(ok, run, started, intent.hosts, op, outcome.figures),
        ...intent.document?.(),
        ...(outcome.error ? { failed: recorder.failed } : {}),
        problems,
      });
    else {
      print(showOperation(recorder.done, op.switchovers));
      if (outcome.figures) print(showFigures(outcome.figures));
      for (const line of outcome.left) print(line);
      for (const problem of problems) print(`${problem.host || cluster.name}: ${problem.message}`);
    }
    if (outcome.error) throw outcome.error;
    return ok ? EXIT.done : EXIT.refused;
  } finally {
    session.close();
    await progress.end();
  }
}

/** After leftovers were undone: waits a while for services to come up again; what is wrong then is for the command to judge. */
async function calmDown(op: Operation): Promise<Snapshot> {
  const end = Date.now() + CALM_MS;
  for (;;) {
    const snapshot = await op.look();
    if (steady(op.cluster, snapshot, DEFAULT_LIMITS).ok || Date.now() > end) return snapshot;
    await sleep(1000);
  }
}

const CALM_MS = 120_000;
/** Until the sync standby is named again and checks have settled; milliseconds. */
export const SETTLE_MS = 60_000;

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
  probe: boolean,
): Promise<{ error?: KnownError; figures?: LoadFigures | undefined; left: string[] }> {
  let load: ClientLoad | undefined;
  const begin = async () => {
    if (probe) load ??= await ClientLoad.start(op.session);
  };
  let error: KnownError | undefined;
  try {
    if (!intent.probeLater) await begin();
    await intent.run(begin);
  } catch (cause) {
    if (!(cause instanceof KnownError)) throw cause;
    error = cause;
    if (!(cause instanceof Interrupted)) op.failed(cause);
  }
  const left = await op.releaseAll();
  return { ...(error ? { error } : {}), figures: await load?.stop(), left };
}
