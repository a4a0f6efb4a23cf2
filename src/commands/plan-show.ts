import { EXIT } from '../errors.ts';
import { print, printJson } from '../run/ask.ts';
import { readPlan } from '../run/saved-plan.ts';
import { shownDocument } from '../view/apply.ts';
import { showPlan } from '../view/plan.ts';
import { markdownPlan } from '../view/plan-markdown.ts';
import { noColor } from '../view/style.ts';
import type { PlanFormat } from './apply.ts';

export interface PlanShowOptions {
  output: PlanFormat;
  diff?: boolean;
  verbose: number;
  color: boolean;
}

/** `hapg plan show`: prints a saved plan. Contacts no host. */
export function planShowCommand(file: string, { output, diff = false, verbose, color }: PlanShowOptions): number {
  if (color === false) noColor();
  const { plan, cluster, run, made, digest } = readPlan(file);
  if (output === 'json') printJson({ ...shownDocument(plan), cluster, digest, run: run ?? null, made: made ?? null });
  else if (output === 'markdown') print(markdownPlan(plan, cluster));
  else print(showPlan(plan, { diffs: diff, verbosity: verbose }));
  return EXIT.done;
}
