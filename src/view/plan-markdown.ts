import type { ShownPlan } from '../engine/plan.ts';
import { diffLines } from './diff.ts';
import { NO_IMPACT, UNKNOWN_IMPACT } from './plan.ts';
import { countsOf, type Entry, entriesOf, isBookkeeping, who } from './plan-entries.ts';

/** The longest comment that GitHub takes (characters); GitLab takes longer ones. */
const LIMIT = 65_536;

/** Room for the line that says what was left out. */
const RESERVE = 200;

/** The longest run of backticks in a text. */
const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));

/** A code span that shows a text as it is, on one line (CommonMark, "Code spans"). */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const ticks = '`'.repeat(longestRun(line) + 1);
  return line.includes('`') ? `${ticks} ${line} ${ticks}` : `${ticks}${line}${ticks}`;
}

/** Text of which nothing is markup, a link, a mention or HTML. */
const words = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_{}[\]()#+!|~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;');

/** A fenced block that no line of the text can end. */
function fenced(lines: readonly string[]): string {
  const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n')) + 1));
  return `${fence}diff\n${lines.join('\n')}\n${fence}`;
}

/** One entry, and its diff where it has one. */
function block(entry: Entry, all: readonly string[]): { head: string; diff: string } {
  const { hosts, action, step, summary, knownAfterApply, before, after } = entry;
  const lines = before !== undefined && after !== undefined ? diffLines(before, after) : [];
  const known = knownAfterApply ? ' (known after apply)' : '';
  const head = `- **${words(who(hosts, all))}**: ${action} ${code(step)}${summary ? `: ${code(summary)}` : ''}${known}`;
  if (lines.length === 0) return { head, diff: '' };
  const inside = `<details><summary>${lines.length} lines</summary>\n\n${fenced(lines)}\n\n</details>`;
  // Within the item of the list.
  return { head, diff: `\n\n${inside.replaceAll(/^(?=.)/gm, '  ')}\n` };
}

/** Texts up to a length in all; what would go beyond it is left out and counted. */
class Bounded {
  private text = '';
  omitted = 0;

  /** Adds a text if there is room. Returns whether there was. */
  add(text: string): boolean {
    const fits = this.text.length + text.length + 1 + RESERVE <= LIMIT;
    if (fits) this.text += `${text}\n`;
    return fits;
  }

  end(): string {
    const left =
      this.omitted > 0 ? `\n_${this.omitted} items or diffs were left out for want of room; see the text plan._\n` : '';
    return `${this.text}${left}`;
  }
}

/**
 * Formats a plan for the description of a merge request: its impact, then the changes by stage with folded diffs. What
 * comes from hosts and files is shown as it is, never as markup. It is cut at what GitHub takes, and says what was left
 * out: diffs first, then entries.
 */
export function markdownPlan(plan: ShownPlan, cluster: string): string {
  const all = Object.keys(plan.hosts);
  const page = new Bounded();
  const add = (text: string) => {
    if (!page.add(text)) page.omitted++;
  };
  if (plan.changes.length === 0)
    page.add(`## Plan for ${words(cluster)}: no changes\n\nThe hosts are as the inventory says.`);
  else {
    page.add(`## Plan for ${words(cluster)}: ${countsOf(plan.changes)}\n`);
    if (!plan.impact) page.add(`**${UNKNOWN_IMPACT}.**`);
    else if (plan.impact.length === 0) page.add(`**${NO_IMPACT}.**`);
    else {
      page.add('**Impact, in this order**\n');
      for (const { text } of plan.impact) add(`- ${words(text)}`);
    }
  }
  for (const text of new Set(plan.notes.map((note) => note.text))) {
    const hosts = plan.notes.filter((note) => note.text === text).map(({ host }) => host);
    add(`\n> **${words(who([...new Set(hosts)], all))}**: ${words(text)}`);
  }
  for (const { stage, entries } of entriesOf(
    plan.changes.filter((change) => !isBookkeeping(change)),
    { each: false },
  )) {
    const blocks = entries.map((entry) => block(entry, all));
    if (!page.add(`\n### ${words(stage)}\n`)) {
      page.omitted += blocks.length;
      continue;
    }
    for (const { head, diff } of blocks) {
      if (diff && page.add(head + diff)) continue;
      if (diff) page.omitted++;
      add(head);
    }
  }
  const noted = new Set(plan.changes.filter(isBookkeeping).map(({ host }) => host));
  if (noted.size > 0) add(`\nBookkeeping on ${noted.size} host${noted.size > 1 ? 's' : ''}.`);
  return page.end();
}
