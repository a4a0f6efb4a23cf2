import { ASK_S } from '../bounds/hosts.ts';
import { patchDynamic, printDynamic } from '../programs/patroni.ts';
import type { RoleName } from '../roles.ts';
import type { Secret } from '../secret.ts';
import { showSetting } from '../secrets/suspect.ts';
import { type Kind, type Step, step } from './step.ts';

export type Json = Record<string, unknown>;

/** Slots that keep WAL for standby clusters. */
const OUR_SLOTS = /^hapg_standby_/;

export interface DcsConfigWant {
  /** POSIX sh that sets `$base` and the arguments of curl. */
  rest: string;
  config: Json;
  password: Secret;
  /** The time within which all members have read a changed configuration (s). */
  settleSeconds: number;
}

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns the smallest patch that turns `present` into `wanted`. Undeclared settings of PostgreSQL and slots of standby
 * clusters are removed. Other unknown keys (somebody's slots, ...) stay, since they may hold data.
 */
export function configPatch(present: Json, wanted: Json, path: readonly string[] = []): Json {
  const patch: Json = {};
  for (const [key, value] of Object.entries(wanted)) {
    const there = present[key];
    // A cluster is a standby cluster from the start or never: if the key were added later, Patroni would discard rows
    // written here.
    if (path.length === 0 && key === 'standby_cluster' && !isMap(there)) continue;
    if (isMap(value)) {
      const inner = configPatch(isMap(there) ? there : {}, value, [...path, key]);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (!same(there, value)) patch[key] = value;
  }
  const ours = { 'postgresql.parameters': /./, slots: OUR_SLOTS }[path.join('.')];
  if (ours) for (const key of Object.keys(present)) if (!(key in wanted) && ours.test(key)) patch[key] = null;
  return patch;
}

/** Whether two values mean the same to PostgreSQL: Patroni keeps 100 and "100", on and true as they were given. */
function same(a: unknown, b: unknown): boolean {
  const word = (value: unknown) => (value === true ? 'on' : value === false ? 'off' : String(value));
  return a !== undefined && a !== null && word(a) === word(b);
}

/** Returns one line a setting for a diff, redacted: somebody may have put a password into one. */
const flat = (value: Json, prefix = ''): string[] =>
  Object.entries(value).flatMap(([key, inner]) =>
    isMap(inner) ? flat(inner, `${prefix}${key}.`) : [`${prefix}${key}: ${showSetting(key, inner)}`],
  );

const pick = (present: unknown, patch: Json): Json =>
  Object.fromEntries(
    Object.entries(patch).map(([key, inner]) => [
      key,
      isMap(inner) ? pick(isMap(present) ? present[key] : undefined, inner) : isMap(present) ? present[key] : undefined,
    ]),
  );

/** The cluster's dynamic configuration, which is in the DCS; `bootstrap.dcs` counts only once, so this step corrects later drift. */
const dcsConfigKind: Kind<DcsConfigWant, Json | undefined> = {
  name: 'dcs-config',
  volatile: true,
  probe: (steps) => steps.map((one) => printDynamic(one.want.rest)).join('\n'),
  parse(answer, steps) {
    return new Map(
      steps.map((one, index) => {
        try {
          return [one.id, JSON.parse(answer.split('\n')[index] ?? '') as Json];
        } catch {
          return [one.id, undefined];
        }
      }),
    );
  },
  diff({ want }, present) {
    if (!present) return undefined;
    const patch = configPatch(present, want.config);
    if (Object.keys(patch).length === 0) return undefined;
    return {
      action: 'update',
      summary: `${flat(patch).length} settings`,
      before: `${flat(pick(present, patch)).join('\n')}\n`,
      after: `${flat(patch).join('\n')}\n`,
    };
  },
  async change({ want }, present, remote) {
    const patch = JSON.stringify(configPatch(present ?? {}, want.config));
    const answer = await remote.run(
      `${patchDynamic(want.rest, want.password.reveal(), patch)}
# Every member has read it within one cycle, and knows then whether it has to restart.
sleep ${want.settleSeconds}`,
      ASK_S + want.settleSeconds,
    );
    const left = configPatch(JSON.parse(answer) as Json, want.config);
    if (Object.keys(left).length > 0) throw new Error(`Patroni kept other values:\n${flat(left).join('\n')}`);
  },
};

export const dcsConfigStep = (role: RoleName, want: DcsConfigWant): Step =>
  step(dcsConfigKind, role, 'dynamic configuration', want);
