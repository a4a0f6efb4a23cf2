import { readFileSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { apply as playbook } from '../../playbooks/apply.ts';
import type { LoadFigures } from '../cluster/client-load.ts';
import { admitApply, checkIdentity, checkVersions } from '../cluster/decisions/admission.ts';
import { Apply, type ApplyResult } from '../engine/apply.ts';
import { auditScript } from '../engine/audit.ts';
import { ClientLoad, underLoad } from '../engine/client-load.ts';
import { Journal, newRunId } from '../engine/journal.ts';
import { holder } from '../engine/lock.ts';
import type { Plan } from '../engine/plan.ts';
import { attempted, settleAll } from '../engine/pool.ts';
import { Recorder } from '../engine/record.ts';
import { type Survey, survey } from '../engine/survey.ts';
import { verifyAsClient } from '../engine/verify.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { expectWritable, onFile } from '../file-trouble.ts';
import type { Host } from '../inventory/model.ts';
import { json } from '../programs/json.ts';
import { ROLE_NAMES } from '../roles.ts';
import { expectStrong } from '../secrets/given.ts';
import { scrubbed } from '../secrets/outlet.ts';
import { SecretStore } from '../secrets/store.ts';
import { storeFile } from '../secrets/store-file.ts';
import { showFigures } from '../view/operation.ts';
import { recap, showPlan } from '../view/plan.ts';
import { duration, paint } from '../view/style.ts';
import {
  type CommonOptions,
  confirm,
  GO_WITHOUT,
  needsAnswer,
  notConfirmed,
  print,
  printJson,
  type Running,
  type Setup,
  setup,
  start,
  tellOfStore,
  unreachableError,
} from './common.ts';
import { confirmUnchanged } from './unchanged.ts';

export interface PlanOptions extends CommonOptions {
  detailedExitcode?: boolean;
  out?: string;
  diff?: boolean;
}

export interface ApplyOptions extends CommonOptions {
  check?: boolean;
  diff?: boolean;
  probe?: boolean;
}

const planDocument = (plan: Plan, run: string, started: number) => ({
  hosts: plan.hosts,
  changes: plan.changes.map(({ host, step, role, action, knownAfterApply }) => ({
    host,
    step,
    role,
    action,
    known_after_apply: knownAfterApply,
  })),
  notes: plan.notes,
  duration_ms: Math.round(performance.now() - started),
  run,
});

/** The document of a run that could not begin because hosts were out of reach. */
const unreachableDocument = (hosts: readonly Host[], unreachable: ReadonlyMap<string, Error>, run: string) => ({
  hosts: Object.fromEntries(
    hosts.map(({ name }) => [name, { ok: 0, changed: 0, failed: 0, unreachable: unreachable.has(name), skipped: 0 }]),
  ),
  changes: [],
  failed: [...unreachable].map(([host, error]) => ({ host, step: 'connect', message: error.message })),
  duration_ms: 0,
  run,
});

/** Everything that plan and apply need before the first connection. `stored`: there was a secret store already. */
async function begin(options: CommonOptions, asks: boolean) {
  const made = setup(options);
  if (asks) needsAnswer('Changes', options);
  const run = newRunId();
  const store = await SecretStore.read(made.cluster);
  const secrets = store ?? (await SecretStore.create(made.cluster));
  await secrets.complete();
  expectStrong(made.cluster, (name) => secrets.given(name));
  await secrets.confirmSavable();
  tellOfStore(store, options);
  const running = await start(made, run, () => secrets.all());
  return { made, run, secrets, running, stored: store !== undefined };
}

/** `hapg plan`: what apply would do; changes nothing on the hosts. */
export async function planCommand(options: PlanOptions): Promise<number> {
  const started = performance.now();
  if (options.out !== undefined) expectWritable(options.out);
  const { made, run, secrets, running, stored } = await begin(options, false);
  try {
    const { plan, context } = await look(made, running, secrets, stored);
    await running.progress.end();
    if (options.out) {
      // What the plan shows (identity, authorities) must be what apply finds.
      await secrets.save();
      const { out } = options;
      onFile(out, () =>
        writeFileSync(
          out,
          `${JSON.stringify({ hapg: 1, inventory: made.cluster.file, digest: plan.digest, changes: scrubbed(plan.changes) }, null, 2)}\n`,
          { mode: 0o600 },
        ),
      );
    }
    if (made.json) printJson(planDocument(plan, run, started));
    else {
      print(showPlan(plan, { diffs: options.diff ?? false, verbosity: options.verbose }));
      for (const [host, { holder: who }] of context.snapshot.observations)
        if (who) print(paint.cyan(`${host}: another run is going on: ${who}`));
    }
    return options.detailedExitcode && plan.changes.length > 0 ? EXIT.failed : EXIT.done;
  } finally {
    running.session.close();
    await running.progress.end();
  }
}

/** `hapg apply`: makes it so. */
export async function applyCommand(planFile: string | undefined, options: ApplyOptions): Promise<number> {
  if (options.check) return planCommand(options);
  const started = performance.now();
  const saved = planFile ? readPlan(planFile) : undefined;
  const { made, run, secrets, running, stored } = await begin(options, saved === undefined);
  try {
    const found = await look(made, running, secrets, stored, holder(run, 'apply'));
    const { plan } = found;
    if (saved && saved.digest !== plan.digest)
      throw new Refused(`${planFile} is stale: what would be done now is not what it shows. Plan again`);
    if (plan.changes.length === 0) {
      await running.progress.end();
      await secrets.save();
      if (made.json) printJson({ ...planDocument(plan, run, started), failed: [] });
      else print(`${recap(plan.hosts)}\n${paint.green('Nothing to do')} (${duration(performance.now() - started)})`);
      return EXIT.done;
    }
    const shown = showPlan(plan, { diffs: options.diff ?? false, verbosity: options.verbose });
    const explain = !options.yes || options.diff ? shown : '';
    // A saved plan was read before.
    const about = { ...options, explain, yes: options.yes || saved !== undefined };
    if (!(await confirm(`Apply ${plan.changes.length} changes to ${made.cluster.name}?`, about))) throw notConfirmed();
    // Whoever reads a plan takes minutes, in which hosts can die; what was confirmed is what was shown.
    if (!about.yes) expectSame(plan, await look(made, running, secrets, stored));
    // Stored before use: a password that a host has and nobody else would lock everything.
    await secrets.save();
    const load = options.probe ? await ClientLoad.start(running.session, secrets) : undefined;
    const result = await underLoad(load, () => carryOut(made, running, found, run));
    await running.progress.end();
    return report(made, plan, result, run, started, options.verbose);
  } finally {
    running.session.close();
    await running.progress.end();
  }
}

/** Throws Refused when what would be done now is not what the person has seen and confirmed. */
function expectSame(shown: Plan, { plan }: Survey): void {
  if (plan.digest !== shown.digest)
    throw new Refused(
      `nothing was changed: while the plan was read the hosts have changed, and now ${plan.changes.length} changes would be made instead of those shown. Run again`,
    );
}

/** Connects, (locks,) probes, and checks the guards. Throws Unreachable, Locked or Refused; nothing was changed then. */
async function look(
  made: Setup,
  { session }: Running,
  secrets: SecretStore,
  stored: boolean,
  lock?: ReturnType<typeof holder>,
): Promise<Survey> {
  const { cluster, hosts, roles, options, json } = made;
  const unreachable = await session.openAll(hosts);
  if (unreachable.size > 0) {
    if (json) printJson(unreachableDocument(hosts, unreachable, session.options.run));
    throw unreachableError(unreachable, GO_WITHOUT);
  }
  const waitSeconds = Number(options.lockWait);
  const found = await survey(session, playbook, { hosts, roles }, secrets, {
    lock: lock && { who: lock, waitSeconds },
  });
  if (lock) await confirmUnchanged(made, secrets);
  const { snapshot } = found.context;
  const missing = cluster.hosts.filter((host) => !hosts.includes(host)).map((host) => host.name);
  for (const verdict of [
    checkIdentity(cluster, snapshot, stored ? secrets.known() : undefined),
    admitApply(cluster, snapshot, missing),
    checkVersions(cluster, found.context.facts, hosts),
  ])
    if (!verdict.ok)
      throw new Refused(
        `refused, nothing was changed:\n${verdict.reasons.map((reason) => `  - ${reason}`).join('\n')}`,
      );
  return found;
}

async function carryOut(
  made: Setup,
  running: Running,
  { context, facts, plan, probed }: Survey,
  run: string,
): Promise<ApplyResult> {
  const { cluster, hosts, roles } = made;
  const { session } = running;
  const journal = Journal.open(cluster, run);
  const by = `${userInfo().username}@${hostname()}`;
  journal.write('start', { command: 'apply', by, cluster: cluster.name, changes: plan.changes.length });
  const recorder = new Recorder(session.options.emit, journal);
  const engine = new Apply(session, playbook, { hosts, roles }, context, facts, recorder, plan, probed);
  const result = await engine.run();
  const whole = hosts.length === cluster.hosts.length && roles.size === ROLE_NAMES.length;
  if (result.failed.length === 0 && !result.interrupted && whole) {
    const problem = await verifyAsClient(session, cluster);
    if (problem) result.failed.push(problem);
  }
  // Who loses the passphrase has lost every backup.
  if (cluster.repositories.length > 0 && result.done.length > 0 && !context.secrets.shown)
    session.options.emit({
      type: 'note',
      text: `backups are encrypted, and their passphrase is only in ${storeFile(cluster)}: keep a copy elsewhere ("hapg secrets show")`,
    });
  const outcome = result.interrupted ? 'interrupted' : result.failed.length > 0 ? 'failed' : 'ok';
  journal.write('end', { result: outcome, changed: result.done.length, failed: result.failed });
  const line = (host: string) =>
    `run=${run} by=${by} command=apply changed=${result.done.filter((one) => one.host === host).length} result=${outcome}`;
  const touched = hosts.filter((host) => result.done.some((one) => one.host === host.name));
  const told = await settleAll(touched, session.options.forks, (host) =>
    session.ask(host, auditScript(line(host.name)), 10),
  );
  // The controller's own journal has it too.
  attempted(told);
  return result;
}

/** Kinds of work whose length is not ours: packages, initdb and base backups, the first backup. */
const NOT_OURS = /^(packages |ready postgresql|stanza )/;

function report(
  { json, cluster }: Setup,
  plan: Plan,
  result: ApplyResult & Partial<LoadFigures>,
  run: string,
  started: number,
  verbosity: number,
): number {
  const hosts = Object.fromEntries(
    Object.entries(plan.hosts).map(([name, count]) => [
      name,
      {
        ...count,
        changed: result.done.filter((one) => one.host === name).length,
        failed: result.failed.filter((one) => one.host === name).length,
      },
    ]),
  );
  const ms = performance.now() - started;
  if (json) {
    const changes = result.done.map(({ host, step, role, action }) => ({
      host,
      step,
      role,
      action,
      known_after_apply: false,
    }));
    const { failed, writes, reads } = result;
    printJson({ hosts, changes, failed, duration_ms: Math.round(ms), run, ...(writes ? { writes, reads } : {}) });
  } else {
    print('');
    if (verbosity > 0) print(slowest(result, ms));
    print(recap(hosts));
    if (result.writes && result.reads) print(showFigures({ writes: result.writes, reads: result.reads }));
    for (const { host, step, message } of result.failed) print(paint.red(`${host}: ${step}: ${message}`));
    print(
      `${result.failed.length > 0 ? paint.red('failed') : result.interrupted ? paint.yellow('interrupted; run again to go on') : paint.green(`${cluster.name} is as the inventory says`)} (${duration(ms)}, run ${run})`,
    );
  }
  if (result.interrupted) return EXIT.interrupted;
  return result.failed.length > 0 ? EXIT.failed : EXIT.done;
}

/** The slowest steps, and what remains of the wall time when packages, initdb and backups are taken off (longest host of each). */
function slowest(result: ApplyResult, totalMs: number): string {
  const top = [...result.done].sort((a, b) => b.ms - a.ms).slice(0, 12);
  const others = new Map<string, number>();
  for (const one of result.done.filter(({ step }) => NOT_OURS.test(step))) {
    const key = `${one.stage}`;
    const sum = result.done
      .filter((other) => other.host === one.host && other.stage === one.stage && NOT_OURS.test(other.step))
      .reduce((ms, other) => ms + other.ms, 0);
    others.set(key, Math.max(others.get(key) ?? 0, sum));
  }
  const away = [...others.values()].reduce((ms, one) => ms + one, 0);
  return [
    'slowest steps:',
    ...top.map((one) => `  ${duration(one.ms).padStart(9)}  ${one.host} ${one.step}`),
    `time outside packages, initdb, base backups and first backup: ${duration(totalMs - away)}`,
    '',
  ].join('\n');
}

/** What `hapg plan --out` has saved. Throws UsageError. */
function readPlan(file: string): { digest: string } {
  const document = json<{ hapg?: number; digest?: string } | null>(onFile(file, () => readFileSync(file, 'utf8')));
  if (document?.hapg !== 1 || typeof document.digest !== 'string')
    throw new UsageError(
      `${file}: this is no plan that "hapg plan --out FILE" has saved. An inventory is named with -i`,
    );
  return { digest: document.digest };
}
