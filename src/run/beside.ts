import { AUDIT_S } from '../bounds/hosts.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { takeSnapshot } from '../cluster/snapshot.ts';
import { checkIdentity } from '../decisions/admission.ts';
import { auditScript } from '../engine/audit.ts';
import type { Hooks } from '../engine/hooks.ts';
import { probe } from '../engine/probe.ts';
import type { Session } from '../engine/session.ts';
import { KnownError, Refused, StepFailed } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { Host } from '../inventory/model.ts';
import { SecretStore } from '../secrets/store.ts';
import type { Remote } from '../steps/step.ts';
import { changingRun } from './changing-run.ts';
import { reachAll } from './reach.ts';
import { refuseUnless } from './refuse.ts';
import { withRun } from './run.ts';
import type { Setup } from './setup.ts';
import { notify } from './webhook.ts';

/** Long work on one host that touches nothing of the cluster. */
export interface Beside<Result> {
  command: string;
  stage: string;
  step: string;
  host: Host;
  /** Throws Refused where it may not begin; sees that host alone. */
  admit?(snapshot: Snapshot): void;
  work(remote: Remote): Promise<unknown>;
  /** Reads the result, whether or not the work failed; undefined: there is none. */
  read(session: Session): Promise<Result | undefined>;
  /** Whether a result is good. */
  isGood(result: Result): boolean;
  /** Tells the operator's hooks of a result that is not good, or of none; nothing by default. */
  tell?(hooks: Hooks, reason: string): Promise<void>;
  /** Why a result is not good. */
  reasonOf?(result: Result): string;
  /** Shows a result, with the id of the run. */
  show(result: Result, run: string): void;
}

/**
 * Does such work: no lock is taken, and the host does all of it, so that a timer can as well. The journal and the host's
 * audit log get it. Returns whether the result is good; rejects where there is none.
 */
export async function besideCluster<Result>(setup: Setup, its: Beside<Result>): Promise<boolean> {
  const { cluster } = setup;
  const { host, stage, step } = its;
  const store = await SecretStore.read(cluster);
  if (!store)
    throw new Refused(
      `${fromHere(cluster.stateDir)} has no secret store: this inventory has not been applied from here`,
      'store_missing',
    );
  return withRun(setup, its.command, { secrets: () => store.all(), shown: [host] }, async (run) => {
    const { session } = run;
    await reachAll(run, [host]);
    const snapshot = takeSnapshot(new Map([[host.name, (await probe(session, host, [])).observation]]));
    refuseUnless(checkIdentity(cluster, snapshot, store.known()));
    its.admit?.(snapshot);
    const { op, begin, end } = changingRun(run);
    begin({ hosts: [host.name] });
    const { recorder } = op;
    recorder.stage(stage, [host.name]);
    // Work that finds damage is a successful run: its result tells.
    const failure = await recorder
      .timed({ host: host.name, stage, step, role: 'pgbackrest', action: 'run' }, () =>
        its.work(session.remote(host, step)),
      )
      .then(
        () => undefined,
        (cause: unknown) => {
          if (cause instanceof KnownError) return cause;
          throw cause;
        },
      );
    const result = await its.read(session);
    const ok = !failure && result !== undefined && its.isGood(result);
    end({ result: ok ? 'ok' : 'failed', [stage]: result });
    const entry = { run: run.id, by: run.by, command: run.command, changed: recorder.done.length };
    await session.ask(host, auditScript({ ...entry, result: ok ? 'ok' : 'failed' }), AUDIT_S);
    if (!ok) await its.tell?.(run.hooks, (result && its.reasonOf?.(result)) || failure?.message || '');
    await notify(run, store, { result: ok ? 'ok' : 'failed', changed: 0, failed: recorder.failed });
    await run.progress.end();
    if (result === undefined) throw failure ?? new StepFailed(host.name, step, 'it left no result');
    its.show(result, run.id);
    return ok;
  });
}
