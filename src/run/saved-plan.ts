import { readFileSync, writeFileSync } from 'node:fs';
import type { Plan } from '../engine/plan.ts';
import { Refused, UsageError } from '../errors.ts';
import { onFile } from '../file-trouble.ts';
import { json } from '../programs/json.ts';
import { scrubbed } from '../secrets/outlet.ts';

/** A plan that was saved for review. */
export interface SavedPlan {
  file: string;
  digest: string;
}

/** Saves a plan for `hapg apply FILE`, without secrets. */
export const savePlan = (file: string, inventory: string, { digest, changes }: Plan): void =>
  onFile(file, () =>
    writeFileSync(file, `${JSON.stringify({ hapg: 1, inventory, digest, changes: scrubbed(changes) }, null, 2)}\n`, {
      mode: 0o600,
    }),
  );

/** Reads what `hapg plan --out` has saved. Throws UsageError. */
export function readPlan(file: string): SavedPlan {
  const document = json<{ hapg?: number; digest?: string } | null>(onFile(file, () => readFileSync(file, 'utf8')));
  if (document?.hapg !== 1 || typeof document.digest !== 'string')
    throw new UsageError(
      `${file}: this is no plan that "hapg plan --out FILE" has saved. An inventory is named with -i`,
    );
  return { file, digest: document.digest };
}

/** Throws Refused when the present plan differs from the saved one. */
export function refuseStale({ file, digest }: SavedPlan, now: Plan): void {
  if (digest !== now.digest)
    throw new Refused(`${file} is stale: what would be done now is not what it shows. Plan again`);
}
