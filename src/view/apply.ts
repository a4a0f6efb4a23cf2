import type { LoadFigures } from '../cluster/client-load.ts';
import type { ApplyResult } from '../engine/apply.ts';
import type { Plan, ShownPlan } from '../engine/plan.ts';
import type { Host } from '../inventory/model.ts';
import { showFigures } from './operation.ts';
import { recap } from './plan.ts';
import { duration, paint } from './style.ts';

/** The run of a document, and its duration (ms). */
export interface Timed {
  run: string;
  ms: number;
}

/** The version of these documents; a higher one has lost or changed a key. */
const FORMAT_VERSION = 1;

/** The JSON document of a plan, without who made it. `impact` is null where it is not known. */
export const shownDocument = (plan: ShownPlan) => ({
  format_version: FORMAT_VERSION,
  hosts: plan.hosts,
  impact: plan.impact ?? null,
  changes: plan.changes.map(({ host, stage, step, role, action, summary, before, after, knownAfterApply }) => ({
    host,
    stage,
    step,
    role,
    action,
    summary,
    before: before ?? null,
    after: after ?? null,
    known_after_apply: knownAfterApply ?? false,
  })),
  skipped: plan.skipped,
  notes: plan.notes,
});

/** The JSON document of `plan`. */
export const planDocument = (plan: ShownPlan, { run, ms }: Timed) => ({
  ...shownDocument(plan),
  duration_ms: Math.round(ms),
  run,
});

/** The JSON document of an `apply` that has nothing to do. */
export const nothingDocument = (plan: Plan, { run, ms }: Timed) => ({
  format_version: FORMAT_VERSION,
  hosts: plan.hosts,
  changes: [],
  notes: plan.notes,
  failed: [],
  todo: [],
  duration_ms: Math.round(ms),
  run,
});

/** The JSON document of a run that could not begin because hosts were unreachable. */
export const unreachableDocument = (hosts: readonly Host[], unreachable: ReadonlyMap<string, Error>, run: string) => ({
  format_version: FORMAT_VERSION,
  hosts: Object.fromEntries(
    hosts.map(({ name }) => [name, { ok: 0, changed: 0, failed: 0, unreachable: unreachable.has(name), skipped: 0 }]),
  ),
  changes: [],
  notes: [],
  failed: [...unreachable].map(([host, error]) => ({ host, step: 'connect', message: error.message })),
  todo: [],
  duration_ms: 0,
  run,
});

/** Counts by host: the changes made, the rest as planned. */
const counts = (plan: Plan, { done, failed }: ApplyResult) =>
  Object.fromEntries(
    Object.entries(plan.hosts).map(([name, count]) => [
      name,
      {
        ...count,
        changed: done.filter((one) => one.host === name).length,
        failed: failed.filter((one) => one.host === name).length,
      },
    ]),
  );

/** The result of an apply, with what a client saw and what a person must still do, where that is known. */
type CarriedOut = ApplyResult & Partial<LoadFigures> & { todo?: string[] };

/** The JSON document of `apply`. */
export const applyDocument = (plan: Plan, result: CarriedOut, { run, ms }: Timed) => {
  const { done, failed, todo = [], writes, reads } = result;
  return {
    format_version: FORMAT_VERSION,
    hosts: counts(plan, result),
    changes: done.map(({ host, stage, step, role, action }) => ({
      host,
      stage,
      step,
      role,
      action,
      known_after_apply: false,
    })),
    notes: plan.notes,
    failed,
    todo,
    duration_ms: Math.round(ms),
    run,
    ...(writes ? { writes, reads } : {}),
  };
};

/** The summary of `apply` for the operator. */
export function showApply(
  name: string,
  plan: Plan,
  result: CarriedOut,
  { run, ms, verbosity }: Timed & { verbosity: number },
): string {
  const { failed, interrupted, todo = [], writes, reads } = result;
  const outcome =
    failed.length > 0
      ? paint.red('failed')
      : interrupted
        ? paint.yellow('interrupted; run again to continue')
        : paint.green(`${name} is as the inventory says`);
  return [
    '',
    ...(verbosity > 0 ? [slowest(result, ms)] : []),
    recap(counts(plan, result)),
    ...(writes && reads ? [showFigures({ writes, reads })] : []),
    ...failed.map(({ host, step, message }) => paint.red(`${host}: ${step}: ${message}`)),
    `${outcome} (${duration(ms)}, run ${run})`,
    ...(todo.length > 0 ? ['', paint.bold('Still to do:'), ...todo.map((text) => `  - ${text}`)] : []),
  ].join('\n');
}

/** Work whose duration hapg does not determine: packages, initdb and base backups, the first backup. */
const NOT_OURS = /^(packages |ready postgresql|stanza )/;

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
