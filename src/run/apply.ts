import { AUDIT_S } from '../bounds/hosts.ts';
import { admitApply, checkIdentity, checkVersions } from '../decisions/admission.ts';
import { Apply, type ApplyResult } from '../engine/apply.ts';
import { auditScript } from '../engine/audit.ts';
import { attempted, settleAll } from '../engine/pool.ts';
import { Recorder } from '../engine/record.ts';
import { type Survey, survey } from '../engine/survey.ts';
import { verifyAsClient } from '../engine/verify.ts';
import type { Host } from '../inventory/model.ts';
import type { Playbook } from '../playbook.ts';
import { ROLE_NAMES } from '../roles.ts';
import { expectStrong } from '../secrets/external-secrets.ts';
import { SecretStore } from '../secrets/store.ts';
import { storeFile } from '../secrets/store-file.ts';
import { unreachableDocument } from '../view/apply.ts';
import { printJson } from './ask.ts';
import type { Change } from './change.ts';
import { awaitUnits, clearLeftovers } from './leftovers.ts';
import { GO_WITHOUT, reachAll } from './reach.ts';
import { refuseUnless } from './refuse.ts';
import type { Run } from './run.ts';
import { type Setup, tellOfStore } from './setup.ts';
import { confirmUnchanged } from './unchanged.ts';

/** What a plan is made by beside the hosts. */
export interface Wanted {
  playbook: Playbook;
  secrets: SecretStore;
  /** There was a secret store already, so hosts that are another cluster's are found out. */
  stored: boolean;
}

/** The secrets that a playbook needs, all there and all savable; one that is new is not written yet. Contacts nothing. */
export async function wantedBy({ cluster, options }: Setup, playbook: Playbook): Promise<Wanted> {
  const store = await SecretStore.read(cluster);
  const secrets = store ?? (await SecretStore.create(cluster));
  await secrets.complete();
  expectStrong(cluster, (name) => secrets.externalSecret(name));
  await secrets.confirmSavable();
  tellOfStore(store, options);
  return { playbook, secrets, stored: store !== undefined };
}

/**
 * Connects, reads all that the plan depends on, and checks the guards. With a `change` it locks on the way, waits for the
 * units that a dead run has left at work, and undoes what it has left temporary. Throws Unreachable, Locked or Refused;
 * nothing was changed then.
 */
export async function surveyFor(run: Run, wanted: Wanted, change?: Change): Promise<Survey> {
  const { made, cluster, session } = run;
  const { hosts, roles, json } = made;
  const { playbook, secrets, stored } = wanted;
  await reachAll(run, hosts, GO_WITHOUT, (unreachable) => {
    if (json) printJson(unreachableDocument(hosts, unreachable, run.id));
  });
  const read = (lock?: Change['locking']) => survey(session, playbook, { hosts, roles }, secrets, { lock });
  let found = await read(change?.locking);
  if (change) await confirmUnchanged(made, secrets);
  refuseUnless(checkIdentity(cluster, found.context.snapshot, stored ? secrets.known() : undefined));
  if (change && (await withoutLeftovers(change, found))) found = await read();
  const missing = cluster.hosts.filter((host) => !hosts.includes(host)).map((host) => host.name);
  refuseUnless(admitApply(cluster, found.context.snapshot, missing));
  refuseUnless(checkVersions(cluster, found.context.facts, hosts));
  return found;
}

/** Whether a dead run has left anything, which is gone afterwards. */
async function withoutLeftovers({ op }: Change, { context, scope }: Survey): Promise<boolean> {
  const waited = await awaitUnits(op, context.snapshot);
  const snapshot = waited ? await op.look(scope.hosts) : context.snapshot;
  return (await clearLeftovers(op, snapshot)) || waited;
}

/** Does what was surveyed, looks at it as a client, and writes down how it has ended, on the controller and on the hosts. */
export async function carryOut(
  { id, by, command, made, cluster, session }: Run,
  { journal, begin, end }: Change,
  found: Survey,
): Promise<ApplyResult> {
  const { hosts, roles } = made;
  begin({ changes: found.plan.changes.length });
  const recorder = new Recorder(session.options.emit, journal);
  const result = await new Apply({ session, recorder }, found).run();
  const whole = hosts.length === cluster.hosts.length && roles.size === ROLE_NAMES.length;
  if (result.failed.length === 0 && !result.interrupted && whole) {
    const problem = await verifyAsClient(session, cluster);
    if (problem) result.failed.push(problem);
  }
  // Who loses the passphrase has lost every backup.
  if (cluster.repositories.length > 0 && result.done.length > 0 && !found.context.secrets.shown)
    session.options.emit({
      type: 'note',
      text: `backups are encrypted, and their passphrase is only in ${storeFile(cluster)}: keep a copy elsewhere ("hapg secrets show")`,
    });
  const outcome = result.interrupted ? 'interrupted' : result.failed.length > 0 ? 'failed' : 'ok';
  end({ result: outcome, changed: result.done.length, failed: result.failed });
  const changed = ({ name }: Host) => result.done.filter((one) => one.host === name).length;
  const touched = hosts.filter((host) => changed(host) > 0);
  const line = (host: Host) => `run=${id} by=${by} command=${command} changed=${changed(host)} result=${outcome}`;
  const told = await settleAll(touched, session.options.forks, (host) =>
    session.ask(host, auditScript(line(host)), AUDIT_S),
  );
  // The controller's own journal has it too.
  attempted(told);
  return result;
}
