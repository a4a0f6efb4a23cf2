import type { Cluster, Host } from '../inventory/model.ts';
import type { SessionValue, SettingAnswer } from '../observe/setting.ts';
import { isInEffect } from '../postgres/effective.ts';
import { COMMAND_LINE, RECOVERY } from '../postgres/patroni-options.ts';
import { inUnits } from '../postgres/value.ts';

type Value = string | number | boolean;

/**
 * Where a value comes from. `inventory`: all members of the cluster. `inventory_host`: the inventory, this host alone.
 * `computed`: from the host's memory. `hapg`: fixed by hapg. `dcs`: somebody changed the dynamic configuration. `file`:
 * somebody changed a file on the host. `patroni`: Patroni decides it. `session`: ALTER ROLE or DATABASE of the asking superuser. `postgresql`: the server
 * decides it itself.
 */
export type Origin =
  | 'inventory'
  | 'inventory_host'
  | 'computed'
  | 'hapg'
  | 'dcs'
  | 'patroni'
  | 'alter_system'
  | 'session'
  | 'file'
  | 'postgresql'
  | 'default'
  | 'unknown';

/** A setting of one host with its origin; its keys are part of the outside contract. */
export interface ExplainedSetting {
  value: string | null;
  source: Origin;
  /** What the value waits for: it is written, and not in effect yet. */
  pending: 'reload' | 'restart' | null;
  unit: string | null;
  /** PostgreSQL's own default. */
  default: string | null;
  /** When it may change (pg_settings, "context"). */
  context: string | null;
  /** FILE:LINE of the inventory, or of a file of the host; null where it stands nowhere. */
  place: string | null;
  /** What `hapg apply` sets; null where hapg leaves it alone. */
  declared: string | null;
  /** Whether `hapg apply` would change the value. */
  differs: boolean;
  /** Values of some sessions only. */
  sessions: SessionValue[];
  /** Why PostgreSQL gave no answer. */
  silent?: string;
}

/** Settings that hapg computes from a host's memory (src/postgres/sizes.ts). */
const COMPUTED = ['shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem'];

/** What hapg declares for a host, and where it stands in the inventory. */
export interface Declared {
  /** All settings that `hapg apply` sets for this host's PostgreSQL. */
  parameters: Readonly<Record<string, Value>>;
  /** Returns FILE:LINE of a path of the inventory; undefined where it does not stand there. */
  placeOf(path: readonly string[]): string | undefined;
}

/** Returns where the declared value of a setting comes from, with the path that it has in the inventory. */
function declaredBy(cluster: Cluster, host: Host, name: string): { source: Origin; path?: readonly string[] } {
  if (Object.hasOwn(host.parameters, name))
    return { source: 'inventory_host', path: ['hosts', host.name, 'postgres', 'parameters', name] };
  if (Object.hasOwn(cluster.settings.postgres.parameters, name))
    return { source: 'inventory', path: ['postgres', 'parameters', name] };
  return { source: COMPUTED.includes(name) ? 'computed' : 'hapg' };
}

/** Explains a setting of one host's PostgreSQL. Pure. */
export function explainSetting(
  cluster: Cluster,
  host: Host,
  name: string,
  { live, silent, dynamic }: SettingAnswer,
  { parameters, placeOf }: Declared,
): ExplainedSetting {
  const major = Number(cluster.settings.postgres.version);
  const wanted = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  const by = declaredBy(cluster, host, name);
  const inInventory = (wanted === undefined ? undefined : by.path && placeOf(by.path)) ?? null;
  const nothing = {
    unit: live?.unit ?? null,
    declared: wanted === undefined ? null : String(wanted),
    sessions: live?.sessions ?? [],
  };
  if (!live)
    return {
      ...nothing,
      ...{ value: null, source: 'unknown', pending: null, default: null, context: null, place: inInventory },
      differs: false,
      ...(silent === undefined ? {} : { silent }),
    };
  const has = (value: Value) => isInEffect(major, name, value, { ...live, place: undefined });
  const shown = (value: string | null | undefined) =>
    value === null || value === undefined
      ? null
      : live.type === 'integer' || live.type === 'real'
        ? inUnits(Number(value), live.unit)
        : value;
  const ofDcs = (dynamic?.postgresql as { parameters?: Record<string, Value> } | undefined)?.parameters?.[name];
  const origin = (): Origin => {
    if (/\.auto\.conf:\d+$/.test(live.place ?? '')) return 'alter_system';
    if (live.source === 'default') return 'default';
    if (/^(database|user|database user|global|client|session)$/.test(live.source)) return 'session';
    if (wanted !== undefined && has(wanted)) return by.source;
    if (ofDcs !== undefined && has(ofDcs)) return 'dcs';
    if (name in COMMAND_LINE || RECOVERY.has(name) || live.source === 'command line') return 'patroni';
    return live.source === 'configuration file' ? 'file' : 'postgresql';
  };
  const source = origin();
  const inWritten = live.inFiles === undefined ? live.source !== 'configuration file' : has(live.inFiles);
  const pending = !inWritten || live.pendingRestart ? (live.context === 'postmaster' ? 'restart' : 'reload') : null;
  return {
    ...{ value: shown(live.value), source, pending },
    ...nothing,
    ...{ default: shown(live.boot), context: live.context },
    place: /^inventory/.test(source) ? inInventory : (live.place ?? null),
    // Patroni writes recovery settings for a standby only.
    differs: wanted !== undefined && !RECOVERY.has(name) && (source === 'alter_system' || !has(wanted)),
  };
}
