import { declaredBuffers } from '../../roles/patroni/patroni.ts';
import { ASK_S, AUDIT_S } from '../bounds/hosts.ts';
import { checksSettle } from '../bounds/patroni.ts';
import { admitApply, checkIdentity } from '../decisions/admission.ts';
import { checkHugePages, checkVersions } from '../decisions/equipment.ts';
import { type Standing, todoAfterApply } from '../decisions/todo.ts';
import { Apply, type ApplyResult } from '../engine/apply.ts';
import { auditScript } from '../engine/audit.ts';
import { attempted, settleAll } from '../engine/pool.ts';
import { observe } from '../engine/probe.ts';
import { Recorder } from '../engine/record.ts';
import type { Session } from '../engine/session.ts';
import { type Survey, survey } from '../engine/survey.ts';
import { verifyAsClient } from '../engine/verify.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import { armedUndos } from '../observe/run-state.ts';
import type { Playbook } from '../playbook.ts';
import { rebootReasons, SHOW_REBOOT } from '../programs/apt.ts';
import { ROLE_NAMES } from '../roles.ts';
import { expectStrong } from '../secrets/external-secrets.ts';
import { SecretStore } from '../secrets/store.ts';
import { storeFile } from '../secrets/store-file.ts';
import { unreachableDocument } from '../view/apply.ts';
import { printJson } from './ask.ts';
import type { ChangingRun } from './changing-run.ts';
import { awaitUnits, clearLeftovers } from './leftovers.ts';
import { GO_WITHOUT, reachAll } from './reach.ts';
import { refuseUnless } from './refuse.ts';
import type { Run } from './run.ts';
import { reportStoreWarnings, type Setup } from './setup.ts';
import { silenceAlerts } from './silence.ts';
import { settledStatus } from './status.ts';
import { confirmUnchanged } from './unchanged.ts';

/** The inputs of a plan beside the hosts. */
export interface PlanInputs {
  playbook: Playbook;
  secrets: SecretStore;
  /** Whether a secret store existed before this run; only then hosts of another cluster can be detected. */
  stored: boolean;
  /** Whether what is not declared in the database is taken away. */
  prune?: boolean | undefined;
}

/**
 * Reads or makes all secrets that a playbook needs, and checks that they can be saved. A new secret is not written yet.
 * Contacts no host.
 */
export async function planInputs({ cluster, options }: Setup, playbook: Playbook): Promise<PlanInputs> {
  const store = await SecretStore.read(cluster);
  const secrets = store ?? (await SecretStore.create(cluster));
  await secrets.complete();
  expectStrong(cluster, (name) => secrets.externalSecret(name));
  await secrets.confirmSavable();
  reportStoreWarnings(store, options);
  return { playbook, secrets, stored: store !== undefined };
}

/**
 * Connects, surveys the hosts, and checks that the plan may be carried out. With a `change` it takes the locks, waits
 * for the units of an interrupted run, and runs its undos. Throws Unreachable, Locked or Refused; nothing was changed
 * then.
 */
export async function surveyFor(run: Run, wanted: PlanInputs, change?: ChangingRun): Promise<Survey> {
  const { setup, cluster, session } = run;
  const { hosts, roles, json } = setup;
  const { playbook, secrets, stored, prune } = wanted;
  await reachAll(run, hosts, GO_WITHOUT, (unreachable) => {
    if (json) printJson(unreachableDocument(hosts, unreachable, run.id));
  });
  const read = (lock?: ChangingRun['locking']) =>
    survey(session, playbook, { hosts, roles }, secrets, { lock, extra: { prune } });
  let found = await read(change?.locking);
  if (change) await confirmUnchanged(setup, secrets);
  refuseUnless(checkIdentity(cluster, found.context.snapshot, stored ? secrets.known() : undefined));
  if (change && (await withoutLeftovers(change, found))) found = await read();
  const missing = cluster.hosts.filter((host) => !hosts.includes(host)).map((host) => host.name);
  refuseUnless(admitApply(cluster, found.context.snapshot, missing));
  refuseUnless(checkVersions(cluster, found.context.facts, hosts));
  const { context } = found;
  refuseUnless(checkHugePages(cluster, context.facts, hosts, (host) => declaredBuffers(host, context)));
  return found;
}

/** Waits for the units of an interrupted run and runs its undos. Returns whether there were any. */
async function withoutLeftovers({ op }: ChangingRun, { context, scope }: Survey): Promise<boolean> {
  const waited = await awaitUnits(op, context.snapshot);
  const snapshot = waited ? await op.observe(scope.hosts) : context.snapshot;
  return (await clearLeftovers(op, snapshot)) || waited;
}

/** How an apply ended, in the journal's word. */
export const outcomeOf = ({ interrupted, failed }: ApplyResult): 'interrupted' | 'failed' | 'ok' =>
  interrupted ? 'interrupted' : failed.length > 0 ? 'failed' : 'ok';

/**
 * Carries out the plan, verifies the cluster as a client, and records the result on the controller and on the hosts.
 */
export async function carryOut(
  { id, by, command, setup, cluster, session }: Run,
  { op, journal, begin, end }: ChangingRun,
  surveyed: Survey,
): Promise<ApplyResult & { todo: string[] }> {
  const { hosts, roles } = setup;
  begin({ changes: surveyed.plan.changes.length });
  const recorder = new Recorder(session.options.emit, journal);
  await silenceAlerts(op, `hapg ${command}, run ${id}`);
  const result = await new Apply({ session, recorder }, surveyed).run().finally(() => op.runAllUndos());
  const whole = hosts.length === cluster.hosts.length && roles.size === ROLE_NAMES.length;
  if (result.failed.length === 0 && !result.interrupted && whole) {
    const problem = await verifyAsClient(session, cluster);
    if (problem) result.failed.push(problem);
    // A new cluster names its synchronous standby and moves its address only after a moment, and the next look would find less.
    else if (!surveyed.context.snapshot.exists)
      await settledStatus(session, cluster, surveyed.context.secrets, checksSettle(cluster.timing));
  }
  const outcome = outcomeOf(result);
  end({ result: outcome, changed: result.done.length, failed: result.failed });
  const changed = ({ name }: Host) => result.done.filter((one) => one.host === name).length;
  const touched = hosts.filter((host) => changed(host) > 0);
  const entry = (host: Host) => ({ run: id, by, command, changed: changed(host), result: outcome });
  const results = await settleAll(touched, session.options.forks, (host) =>
    session.ask(host, auditScript(entry(host)), AUDIT_S),
  );
  // The controller's journal has the same line.
  attempted(results);
  return {
    ...result,
    todo: todoOf(cluster, surveyed, result, await standingOn(session, result.interrupted ? [] : touched)),
  };
}

/** Asks hosts what stands on them now. One that does not answer is left out: nothing depends on it but a reminder. */
async function standingOn(session: Session, hosts: readonly Host[]): Promise<Standing> {
  const looked = await settleAll(hosts, session.options.forks, async (host) => ({
    seen: await observe(session, host, ['host']),
    reasons: rebootReasons((await session.ask(host, SHOW_REBOOT, ASK_S)).output),
  }));
  const answers = looked.flatMap((one, index) =>
    one.status === 'fulfilled' ? [{ host: hosts[index]!.name, ...one.value }] : [],
  );
  return {
    undos: answers.flatMap(({ host, seen }) => armedUndos(said(seen.units) ?? []).map((name) => ({ host, name }))),
    holds: answers.flatMap(({ host, seen }) => seen.holds.map((hold) => ({ host, ...hold }))),
    reboots: answers.filter(({ reasons }) => reasons.length > 0).map(({ host, reasons }) => ({ host, reasons })),
  };
}

/** What a person must still do after this apply. */
function todoOf(
  cluster: Cluster,
  { plan, context }: Survey,
  { done, failed, interrupted }: ApplyResult,
  standing: Standing,
): string[] {
  const { snapshot, secrets } = context;
  const restarted = (name: string) => done.some(({ step }) => step === `restart-pending ${name}`);
  const waited = snapshot.members.filter(({ pendingRestart }) => pendingRestart).map(({ name }) => name);
  const unseen = cluster.repositories.length > 0 && done.length > 0 && !secrets.shown;
  return todoAfterApply(cluster, {
    isNew: plan.impact.some(({ kind }) => kind === 'new_cluster'),
    failed: failed.length,
    interrupted,
    waiting: waited.filter((name) => !restarted(name)),
    standing,
    // Without the passphrase every backup is lost.
    unseenPassphrase: unseen ? storeFile(cluster) : undefined,
    openStore: cluster.settings.secrets.recipients.length === 0 ? storeFile(cluster) : undefined,
  });
}
