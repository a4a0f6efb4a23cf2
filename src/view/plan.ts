import { createTwoFilesPatch } from 'diff';
import type { Change, HostCount, Plan } from '../engine/plan.ts';
import { paint } from './style.ts';

const SIGN: Record<Change['action'], (text: string) => string> = {
  create: (text) => paint.green(`+ ${text}`),
  update: (text) => paint.yellow(`~ ${text}`),
  remove: (text) => paint.red(`- ${text}`),
  restart: (text) => paint.magenta(`! ${text}`),
  reload: (text) => paint.cyan(`! ${text}`),
  run: (text) => paint.cyan(`> ${text}`),
};

/** Unified diff of two texts, indented; empty when they are the same. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return '';
  const end = (text: string) => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
  return createTwoFilesPatch('before', 'after', end(before), end(after), '', '', { context: 2 })
    .split('\n')
    .slice(3)
    .filter((line) => line && !line.startsWith('\\'))
    .map(
      (line) =>
        `      ${line.startsWith('+') ? paint.green(line) : line.startsWith('-') ? paint.red(line) : paint.dim(line)}`,
    )
    .join('\n');
}

/** Groups equal notes of several hosts. */
const hostsWithNote = (plan: Plan, text: string): string[] => [
  ...new Set(plan.notes.filter((note) => note.text === text).map(({ host }) => host)),
];

/** Formats the plan for the operator: by host, in the order of execution. `diffs`: show whole new files as well. */
export function showPlan(plan: Plan, options: { diffs: boolean; verbosity: number }): string {
  const lines: string[] = [];
  for (const host of Object.keys(plan.hosts)) {
    const changes = plan.changes.filter((change) => change.host === host);
    if (changes.length === 0) continue;
    lines.push(paint.bold(host));
    for (const change of changes) {
      lines.push(
        `  ${SIGN[change.action](change.step)}${change.summary ? paint.dim(`  ${change.summary}`) : ''}${change.knownAfterApply ? paint.dim('  (known after apply)') : ''}`,
      );
      const { before, after } = change;
      const shown = (options.diffs || change.action !== 'create') && before !== undefined && after !== undefined;
      const diff = shown ? unifiedDiff(before, after) : '';
      if (diff) lines.push(diff);
    }
    lines.push('');
  }
  for (const text of new Set(plan.notes.map((note) => note.text)))
    lines.push(paint.cyan(`${hostsWithNote(plan, text).join(', ')}: ${text}`));
  if (options.verbosity > 0)
    for (const { host, step, because } of plan.skipped) lines.push(paint.cyan(`${host}: skipped ${step}: ${because}`));
  const count = (action: Change['action']) => plan.changes.filter((change) => change.action === action).length;
  const total = plan.changes.length;
  lines.push(
    total === 0
      ? paint.green('No changes: the hosts are as the inventory says.')
      : `${total} changes: ${(['create', 'update', 'remove', 'reload', 'restart', 'run'] as const).flatMap((action) => (count(action) > 0 ? [`${count(action)} ${action}`] : [])).join(', ')}`,
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
