import type { ExplainedSetting } from './setting-origin.ts';

type Value = string | number | boolean;

/** Keys of Patroni's dynamic configuration with its own defaults (Patroni documentation, "Dynamic configuration settings"). */
const DEFAULTS: Readonly<Record<string, Value>> = {
  ttl: 30,
  loop_wait: 10,
  retry_timeout: 10,
  maximum_lag_on_failover: 1_048_576,
  maximum_lag_on_syncnode: -1,
  max_timelines_history: 0,
  primary_start_timeout: 300,
  primary_stop_timeout: 0,
  synchronous_mode: false,
  synchronous_mode_strict: false,
  synchronous_node_count: 1,
  failsafe_mode: false,
  check_timeline: false,
  pause: false,
};

/** Units of those that have one. */
const UNITS: Readonly<Record<string, string>> = {
  ttl: 's',
  loop_wait: 's',
  retry_timeout: 's',
  maximum_lag_on_failover: 'B',
  maximum_lag_on_syncnode: 'B',
  primary_start_timeout: 's',
  primary_stop_timeout: 's',
};

/** Names of Patroni's settings that can be explained. */
export const PATRONI_SETTINGS: readonly string[] = Object.keys(DEFAULTS);

/** The timers that `rto` chooses. */
const BY_RTO = ['ttl', 'loop_wait', 'retry_timeout', 'primary_start_timeout'];

/** Paths of the inventory that decide a setting, the nearest first. */
function pathsOf(name: string): string[][] {
  if (name === 'synchronous_mode') return [['replication']];
  return [['patroni', name], ...(BY_RTO.includes(name) ? [['rto']] : [])];
}

/**
 * Explains a setting of the dynamic configuration, which is the same for all members. `dynamic` is what a member's Patroni
 * answers, `declared` what `hapg apply` sets. Pure.
 */
export function explainPatroniSetting(
  name: string,
  dynamic: Record<string, unknown> | undefined,
  declared: Record<string, unknown>,
  placeOf: (path: readonly string[]) => string | undefined,
): ExplainedSetting {
  const text = (value: unknown) => (value === undefined || value === null ? null : String(value));
  const wanted = text(declared[name]);
  const there = text(dynamic?.[name]);
  const place = pathsOf(name)
    .map(placeOf)
    .find((one) => one !== undefined);
  const source = () => {
    if (!dynamic) return 'unknown';
    if (there === null) return 'default';
    if (there !== wanted) return 'dcs';
    return place === undefined ? 'hapg' : 'inventory';
  };
  const found = source();
  return {
    value: dynamic ? (there ?? String(DEFAULTS[name])) : null,
    source: found,
    // Patroni takes a change in its next cycle.
    pending: null,
    unit: UNITS[name] ?? null,
    default: String(DEFAULTS[name]),
    context: null,
    place: found === 'inventory' || found === 'unknown' ? (place ?? null) : null,
    declared: wanted,
    differs: dynamic !== undefined && wanted !== null && wanted !== (there ?? String(DEFAULTS[name])),
    sessions: [],
    ...(dynamic ? {} : { silent: 'Patroni does not answer' }),
  };
}

/** A name that an operator wrote, as the thing that it names. */
export type NamedSetting = { of: 'postgresql' | 'patroni'; name: string };

/**
 * Returns the setting that a name means: `work_mem`, `postgres.parameters.work_mem`, `patroni.ttl`, or Patroni's own name
 * alone. `isKnown` tells whether PostgreSQL has a setting of that name. Undefined for any other name.
 */
export function namedSetting(text: string, isKnown: (name: string) => boolean): NamedSetting | undefined {
  const name = text
    .trim()
    .toLowerCase()
    .replace(/^postgres(?:ql)?\.parameters\./, '');
  const ofPatroni = name.replace(/^patroni\./, '');
  if (PATRONI_SETTINGS.includes(ofPatroni) && !isKnown(name)) return { of: 'patroni', name: ofPatroni };
  // The settings of an extension have a dot, and only the server knows them.
  const extension = name.includes('.') && !/^(patroni|postgres|hosts)\./.test(name);
  return isKnown(name) || extension ? { of: 'postgresql', name } : undefined;
}
