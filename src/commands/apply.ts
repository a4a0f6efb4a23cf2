import { apply as playbook } from '../../playbooks/apply.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { ClientLoad, underLoad } from '../engine/client-load.ts';
import { describeHolder } from '../engine/lock.ts';
import type { Plan } from '../engine/plan.ts';
import { EXIT, KnownError, Refused, Unanswered, UsageError } from '../errors.ts';
import { expectWritable } from '../file-trouble.ts';
import { carryOut, outcomeOf, planInputs, surveyFor } from '../run/apply.ts';
import { type About, confirm, confirmTyped, needsAnswer, notConfirmed, print, printJson } from '../run/ask.ts';
import { changingRun } from '../run/changing-run.ts';
import { examineFirst } from '../run/doctor.ts';
import { expectHooks } from '../run/hooks.ts';
import type { CommonOptions } from '../run/options.ts';
import { type Run, withRun } from '../run/run.ts';
import { readPlan, refuseStale, savePlan } from '../run/saved-plan.ts';
import { readSetup } from '../run/setup.ts';
import { notify } from '../run/webhook.ts';
import { applyDocument, nothingDocument, planDocument, showApply } from '../view/apply.ts';
import { recap, showPlan } from '../view/plan.ts';
import { markdownPlan } from '../view/plan-markdown.ts';
import { duration, paint } from '../view/style.ts';

export interface PlanOptions extends Omit<CommonOptions, 'output'> {
  output?: PlanFormat;
  detailedExitcode?: boolean;
  out?: string;
  prune?: boolean;
  diff?: boolean;
  /** False: the hosts of a first apply are not examined. */
  doctor: boolean;
}

/** The forms in which a plan is printed. */
export type PlanFormat = 'text' | 'json' | 'markdown';

export interface ApplyOptions extends CommonOptions {
  /** Whether the operator named no inventory. */
  inventoryIsDefault?: boolean;
  check?: boolean;
  /** Whether what is not declared in the database is taken away. */
  prune?: boolean;
  /** The cluster's name, where data is lost with a database. */
  confirm?: string;
  diff?: boolean;
  probe?: boolean;
  doctor: boolean;
}

const timed = ({ id, started }: Run) => ({ run: id, ms: performance.now() - started });

/** `hapg plan`: shows what apply would do; changes nothing on the hosts. */
export async function planCommand(options: PlanOptions): Promise<number> {
  try {
    return await showsPlan(options);
  } catch (cause) {
    // 2 means that changes are pending, and nothing else, so that a pipeline can tell.
    if (!(cause instanceof KnownError) || cause.exitCode !== EXIT.failed) throw cause;
    throw new KnownError(cause.message, cause instanceof Unanswered ? EXIT.unreachable : EXIT.refused);
  }
}

async function showsPlan(options: PlanOptions): Promise<number> {
  const started = performance.now();
  const { out, diff = false, verbose, output } = options;
  if (out !== undefined) expectWritable(out);
  const setup = readSetup({ ...options, output: output === 'json' ? 'json' : 'text' });
  const wanted = { ...(await planInputs(setup, playbook)), prune: options.prune };
  const { secrets } = wanted;
  return withRun(setup, 'plan', { secrets: () => secrets.all(), started }, async (run) => {
    const surveyed = await surveyFor(run, wanted);
    await examineFirst(run, surveyed, !options.doctor);
    const { plan, context } = surveyed;
    await run.progress.end();
    if (out) {
      // Saved, because apply must find the identity and the authorities that the plan shows.
      await secrets.save();
      savePlan(out, setup.cluster, options, plan, run.id);
    }
    if (setup.json) printJson(planDocument(plan, timed(run)));
    else if (output === 'markdown') print(markdownPlan(plan, setup.cluster.name));
    else print([...otherRuns(context.snapshot), showPlan(plan, { diffs: diff, verbosity: verbose })].join('\n'));
    return options.detailedExitcode && plan.changes.length > 0 ? EXIT.failed : EXIT.done;
  });
}

/** Lines about other runs that hold locks of hosts: what they do is not in the plan yet. */
function otherRuns({ observations }: Snapshot): string[] {
  const hosts = new Map<string, string[]>();
  for (const [host, { holder }] of observations) if (holder) hosts.set(holder, [...(hosts.get(holder) ?? []), host]);
  return [...hosts].map(([holder, names]) =>
    paint.yellow(`another run is going on, on ${names.join(', ')}: ${describeHolder(holder)}`),
  );
}

/** `hapg apply --check`. Throws UsageError for what a plan could not keep. */
async function check(planFile: string | undefined, options: ApplyOptions): Promise<number> {
  if (planFile !== undefined)
    throw new UsageError(
      `--check takes no plan such as ${planFile}: "hapg apply ${planFile}" compares it with the hosts and refuses a stale one`,
    );
  if (options.probe) throw new UsageError('--check changes nothing, so there is nothing to measure: without --probe');
  return planCommand(options);
}

/** `hapg apply`: brings the hosts to the state that the inventory describes. */
export async function applyCommand(planFile: string | undefined, given: ApplyOptions): Promise<number> {
  if (given.check) return check(planFile, given);
  const started = performance.now();
  const saved = planFile ? readPlan(planFile) : undefined;
  // A plan knows what it was made of; what the operator names comes first.
  const options = given.inventoryIsDefault && saved?.inputs ? { ...given, ...saved.inputs } : given;
  const { diff = false, verbose } = options;
  const setup = readSetup(options);
  const { cluster, json } = setup;
  expectHooks(cluster);
  if (!saved) needsAnswer('Changes', options);
  const prune = options.prune || saved?.inputs?.prune;
  const wanted = { ...(await planInputs(setup, playbook)), prune };
  const { secrets } = wanted;
  return withRun(setup, 'apply', { secrets: () => secrets.all(), started }, async (run) => {
    const change = changingRun(run);
    const surveyed = await change.beforeWork(async () => {
      const found = await surveyFor(run, wanted, change);
      if (saved) refuseStale(saved, found.plan);
      await examineFirst(run, found, !options.doctor);
      return found;
    });
    const { plan } = surveyed;
    if (plan.changes.length === 0) {
      await run.progress.end();
      await secrets.save();
      change.endWithoutWork('ok');
      const { ms } = timed(run);
      if (json) printJson(nothingDocument(plan, timed(run)));
      else print(`${recap(plan.hosts)}\n${paint.green('Nothing to do')} (${duration(ms)})`);
      return EXIT.done;
    }
    const facts = { CHANGES: String(plan.changes.length) };
    const explain = !options.yes || options.diff ? showPlan(plan, { diffs: diff, verbosity: verbose }) : '';
    // A saved plan was confirmed when it was read.
    const about = { ...options, explain, yes: options.yes || saved !== undefined };
    await change.beforeWork(async () => {
      if (!(await confirmed(plan, cluster.name, { ...about, typed: options.confirm }))) throw notConfirmed();
      // Reading a plan takes minutes, in which hosts can die. Only the plan that was shown is confirmed.
      if (!about.yes) expectSame(plan, (await surveyFor(run, wanted)).plan);
      await run.hooks.before('apply', facts);
    });
    // Saved before use: a password that only a host has would lock everybody out.
    await secrets.save();
    const load = options.probe ? await ClientLoad.start(run.session, secrets) : undefined;
    const result = await underLoad(load, () => carryOut(run, change, surveyed));
    const outcome = outcomeOf(result);
    await run.hooks.after('apply', { ...facts, RESULT: outcome });
    await notify(run, secrets, { result: outcome, changed: result.done.length, failed: result.failed });
    await run.progress.end();
    if (json) printJson(applyDocument(plan, result, timed(run)));
    else print(showApply(cluster.name, plan, result, { ...timed(run), verbosity: verbose }));
    if (result.interrupted) return EXIT.interrupted;
    return result.failed.length > 0 ? EXIT.failed : EXIT.done;
  });
}

/** Asks for confirmation; where a database is dropped its loss is confirmed by the cluster's name, also with a saved plan. */
function confirmed(
  { changes }: Plan,
  cluster: string,
  about: About & { typed?: string | undefined },
): Promise<boolean> {
  const lost = changes.flatMap(({ loses }) => loses ?? []);
  if (lost.length === 0) return confirm(`Apply ${changes.length} changes to ${cluster}?`, about);
  return confirmTyped(
    `Apply ${changes.length} changes to ${cluster} and lose ${lost.join(', ')} for good?`,
    cluster,
    about,
  );
}

/** Throws Refused when the present plan is not the one that the operator confirmed. */
function expectSame(shown: Plan, now: Plan): void {
  if (now.digest !== shown.digest)
    throw new Refused(
      `nothing was changed: while the plan was read the hosts have changed, and now ${now.changes.length} changes would be made instead of those shown. Run again`,
      'changed_meanwhile',
    );
}
