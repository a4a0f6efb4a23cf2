import type { Change } from '../engine/change.ts';
import type { HostCount, ShownPlan } from '../engine/plan.ts';
import { unifiedDiff } from './diff.ts';
import { countsOf, type Entry, entriesOf, isBookkeeping, who } from './plan-entries.ts';
import { paint } from './style.ts';

const SIGN: Record<Change['action'], (text: string) => string> = {
  create: (text) => paint.green(`+ ${text}`),
  update: (text) => paint.yellow(`~ ${text}`),
  remove: (text) => paint.red(`- ${text}`),
  restart: (text) => paint.magenta(`! ${text}`),
  reload: (text) => paint.cyan(`! ${text}`),
  run: (text) => paint.cyan(`> ${text}`),
};

/** Groups equal notes of several hosts. */
const hostsWithNote = (plan: ShownPlan, text: string): string[] => [
  ...new Set(plan.notes.filter((note) => note.text === text).map(({ host }) => host)),
];

/** Text for a plan without an impact. */
export const NO_IMPACT = 'No impact on clients';

/** Text for a saved plan that does not know its impact. */
export const UNKNOWN_IMPACT = 'Its impact is not known: an older hapg has saved this plan';

/** What clients and services will feel, which an operator reads first. */
function impactLines({ impact, changes }: ShownPlan): string[] {
  if (changes.length === 0) return [];
  if (!impact) return [paint.yellow(UNKNOWN_IMPACT), ''];
  if (impact.length === 0) return [paint.green(NO_IMPACT), ''];
  return [paint.bold('Impact, in this order'), ...impact.map(({ text }) => `  ${text}`), ''];
}

/** One entry with its diff. `diffs`: also the whole text of new files. */
function entryLines(entry: Entry, all: readonly string[], diffs: boolean): string[] {
  const { hosts, action, step, summary, knownAfterApply, before, after } = entry;
  const shown = (diffs || action !== 'create') && before !== undefined && after !== undefined;
  const diff = shown ? unifiedDiff(before, after) : '';
  const known = knownAfterApply ? paint.dim('  (known after apply)') : '';
  return [
    `  ${paint.bold(who(hosts, all))}: ${SIGN[action](step)}${summary ? paint.dim(`  ${summary}`) : ''}${known}`,
    ...(diff ? [diff] : []),
  ];
}

/**
 * Formats the plan for the operator: its impact, then the changes by stage, in the order in which they are done, equal
 * ones of several hosts as one. `diffs`: show whole new files as well. `verbosity` above 0: each host by itself, with
 * hapg's own files.
 */
export function showPlan(plan: ShownPlan, options: { diffs: boolean; verbosity: number }): string {
  const each = options.verbosity > 0;
  const all = Object.keys(plan.hosts);
  const lines = impactLines(plan);
  for (const { stage, entries } of entriesOf(
    plan.changes.filter((change) => each || !isBookkeeping(change)),
    { each },
  ))
    lines.push(paint.bold(stage), ...entries.flatMap((entry) => entryLines(entry, all, options.diffs)), '');
  const noted = new Set(plan.changes.filter((change) => !each && isBookkeeping(change)).map(({ host }) => host));
  if (noted.size > 0)
    lines.push(paint.dim(`bookkeeping on ${noted.size === 1 ? [...noted].join() : `${noted.size} hosts`}`), '');
  for (const text of new Set(plan.notes.map((note) => note.text)))
    lines.push(paint.cyan(`${hostsWithNote(plan, text).join(', ')}: ${text}`));
  if (each)
    for (const { host, step, because } of plan.skipped) lines.push(paint.cyan(`${host}: skipped ${step}: ${because}`));
  lines.push(
    plan.changes.length === 0
      ? paint.green('No changes: the hosts are as the inventory says.')
      : countsOf(plan.changes),
  );
  return lines.join('\n');
}

/** The recap line that Ansible's users expect, one per host. */
export function recap(hosts: Record<string, HostCount>): string {
  const width = Math.max(...Object.keys(hosts).map((name) => name.length));
  return Object.entries(hosts)
    .map(([name, { ok, changed, failed, unreachable, skipped }]) => {
      const bad = failed > 0 || unreachable;
      const title = (bad ? paint.red : changed > 0 ? paint.yellow : paint.green)(name.padEnd(width));
      return `${title} : ok=${ok} changed=${changed} unreachable=${unreachable ? 1 : 0} failed=${failed} skipped=${skipped}`;
    })
    .join('\n');
}
