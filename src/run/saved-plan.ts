import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Plan } from '../engine/plan.ts';
import { Refused, UsageError } from '../errors.ts';
import { onFile } from '../file-trouble.ts';
import { filesOf } from '../inventory/load.ts';
import { json } from '../programs/json.ts';
import { scrubbed } from '../secrets/outlet.ts';
import type { CommonOptions } from './options.ts';

/** A plan that was saved for review. */
export interface SavedPlan {
  file: string;
  digest: string;
  /** What it was made of; undefined in a plan of an older hapg. */
  inputs: Inputs | undefined;
}

/** What a plan is made of: the files of the inventory, and what was set on top of them. */
export type Inputs = Pick<CommonOptions, 'inventory' | 'extra'> & { prune?: boolean | undefined };

/** Saves a plan for `hapg apply FILE`, without secrets. Its inventory's files are named from where it lies. */
export function savePlan(
  file: string,
  own: string,
  { inventory, extra, prune }: Inputs,
  { digest, changes }: Plan,
): void {
  const { under, own: last } = filesOf(inventory);
  const files = [...under, last].map((one) => relative(dirname(resolve(file)), resolve(one)));
  const document = {
    hapg: 1,
    inventory: own,
    inputs: { files, extra, ...(prune ? { prune } : {}) },
    digest,
    changes: scrubbed(changes),
  };
  onFile(file, () => writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 }));
}

/** Reads what `hapg plan --out` has saved. Throws UsageError. */
export function readPlan(file: string): SavedPlan {
  const text = onFile(file, () => readFileSync(file, 'utf8'));
  const document = json<{
    hapg?: number;
    digest?: string;
    inputs?: { files: string[]; extra: string[]; prune?: boolean };
  } | null>(text);
  if (document?.hapg !== 1 || typeof document.digest !== 'string')
    throw new UsageError(
      /^(?:cluster|hosts):/m.test(text)
        ? `${file} is an inventory and no saved plan: hapg apply -i ${file}`
        : `${file}: this is no plan that "hapg plan --out FILE" has saved`,
    );
  const { digest, inputs } = document;
  const from = (one: string) => resolve(dirname(resolve(file)), one);
  return {
    file,
    digest,
    inputs: inputs && { inventory: inputs.files.map(from), extra: inputs.extra, prune: inputs.prune },
  };
}

/** Throws Refused when the present plan differs from the saved one. */
export function refuseStale({ file, digest }: SavedPlan, now: Plan): void {
  if (digest !== now.digest)
    throw new Refused(`${file} is stale: what would be done now is not what it shows. Plan again`);
}
