import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { Change } from '../engine/change.ts';
import type { HostCount, Plan, ShownPlan } from '../engine/plan.ts';
import { Refused, UsageError } from '../errors.ts';
import { onFile } from '../file-trouble.ts';
import { filesOf } from '../inventory/load.ts';
import type { Cluster } from '../inventory/model.ts';
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

/** A saved plan with all that is shown of it. */
export interface SavedDocument extends SavedPlan {
  /** The cluster's name; in a plan of an older hapg that of its inventory's file. */
  cluster: string;
  /** The run that made it; undefined in a plan of an older hapg. */
  run: string | undefined;
  /** Time of its making (RFC 3339); undefined in a plan of an older hapg. */
  made: string | undefined;
  plan: ShownPlan;
}

/** Saves a plan for `hapg apply FILE`, without secrets. Its inventory's files are named from where it lies. */
export function savePlan(
  file: string,
  { name, file: own }: Pick<Cluster, 'name' | 'file'>,
  { inventory, extra, prune }: Inputs,
  { digest, changes, impact, notes, skipped, hosts }: Plan,
  run: string,
): void {
  const { under, own: last } = filesOf(inventory);
  const files = [...under, last].map((one) => relative(dirname(resolve(file)), resolve(one)));
  const shown = scrubbed({ changes, impact, notes, skipped, hosts });
  const made = new Date().toISOString();
  const document = {
    hapg: 1,
    cluster: name,
    inventory: own,
    inputs: { files, extra, ...(prune ? { prune } : {}) },
    run,
    made,
    digest,
    ...shown,
  };
  onFile(file, () => writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 }));
}

const text = z.string();

/** What every version has saved of a plan, and what was added since. Keys that are not named here are let through. */
const saved = z.looseObject({
  hapg: z.literal(1),
  digest: text,
  inventory: text.optional(),
  cluster: text.optional(),
  run: text.optional(),
  made: text.optional(),
  inputs: z.object({ files: z.array(text), extra: z.array(text), prune: z.boolean().optional() }).optional(),
  changes: z
    .array(z.looseObject({ host: text, stage: text, step: text, role: text, action: text, summary: text }))
    .optional(),
  impact: z.array(z.looseObject({ kind: text, hosts: z.array(text), text })).optional(),
  notes: z.array(z.object({ host: text, text })).optional(),
  skipped: z.array(z.object({ host: text, step: text, because: text })).optional(),
  hosts: z.record(text, z.looseObject({ changed: z.number() })).optional(),
});

/** Reads what `hapg plan --out` has saved. Throws UsageError. */
export function readPlan(file: string): SavedDocument {
  const content = onFile(file, () => readFileSync(file, 'utf8'));
  const seen = saved.safeParse(json<unknown>(content));
  if (!seen.success)
    throw new UsageError(
      /^(?:cluster|hosts):/m.test(content)
        ? `${file} is an inventory and no saved plan: hapg apply -i ${file}`
        : `${file}: this is no plan that "hapg plan --out FILE" has saved`,
    );
  const { digest, inputs, inventory = '', cluster, run, made, impact, notes = [], skipped = [], hosts } = seen.data;
  const from = (one: string) => resolve(dirname(resolve(file)), one);
  const changes = (seen.data.changes ?? []) as unknown as Change[];
  return {
    file,
    digest,
    inputs: inputs && { inventory: inputs.files.map(from), extra: inputs.extra, prune: inputs.prune },
    cluster: cluster ?? basename(inventory).replace(/\.ya?ml$/, ''),
    run,
    made,
    plan: {
      changes,
      impact: impact as unknown as ShownPlan['impact'],
      notes,
      skipped,
      hosts: (hosts as unknown as Record<string, HostCount>) ?? countedOf(changes),
    },
  };
}

/** Counts by host for a plan that was saved without them: only the changes are known. */
const countedOf = (changes: readonly Change[]): Record<string, HostCount> =>
  Object.fromEntries(
    [...new Set(changes.map(({ host }) => host))].map((host) => [
      host,
      {
        ok: 0,
        changed: changes.filter((change) => change.host === host).length,
        failed: 0,
        unreachable: false,
        skipped: 0,
      },
    ]),
  );

/** Throws Refused when the present plan differs from the saved one. */
export function refuseStale({ file, digest }: SavedPlan, now: Plan): void {
  if (digest !== now.digest)
    throw new Refused(`${file} is stale: what would be done now is not what it shows. Plan again`, 'stale_plan');
}
