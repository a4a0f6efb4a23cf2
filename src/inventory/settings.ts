import { isMap, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml';
import { majorsWith } from '../postgres/settings.ts';
import { flowYaml, linesOf } from './edit.ts';

export type SettingValue = string | number | boolean;

/** A setting by its path, with its new value; without a value it is removed. */
export interface SettingEdit {
  path: readonly string[];
  value?: SettingValue;
}

/** Sections that `hapg config` edits: they end up in the DCS and in PostgreSQL's own configuration. */
const SECTIONS: readonly (readonly string[])[] = [['replication'], ['rto'], ['patroni'], ['postgres', 'parameters']];

/** Keys of Patroni on its hosts, not in the DCS, and what to do about each instead. */
const FIXED: Readonly<Record<string, string>> = {
  scope: "is the cluster's name in the DCS and cannot change",
  port: 'stands in each member\'s own file: change it in the inventory and run "hapg apply"',
  watchdog: 'stands in each member\'s own file: change it in the inventory and run "hapg apply"',
};

/** Returns the path of a dotted key such as `postgres.parameters.pg_stat_statements.max`. Throws when it is no such setting. */
export function settingPath(key: string): string[] {
  const words = key.split('.');
  const section = SECTIONS.find((one) => one.every((word, index) => words[index] === word));
  const rest = words.slice(section?.length);
  const leaf = section?.join() === 'replication' || section?.join() === 'rto';
  const fixed = section?.[0] === 'patroni' ? FIXED[rest[0] ?? ''] : undefined;
  if (fixed !== undefined) throw new Error(`${key} ${fixed}`);
  if (key === 'postgres.version')
    throw new Error(
      'another major version is no setting: the data directory would have to be converted, which hapg does not do. Move the data into a new cluster (docs/operations.md, "Move an existing database in")',
    );
  if (words.length === 1 && majorsWith(key).length > 0)
    throw new Error(`${key} is a setting of PostgreSQL: postgres.parameters.${key}`);
  if (!section || leaf !== (rest.length === 0) || rest.includes(''))
    throw new Error(`${key}: one of replication, rto, patroni.NAME, postgres.parameters.NAME is needed`);
  // An extension's parameter has a dot in its own name.
  return leaf ? [...section] : [...section, rest.join('.')];
}

/** Returns the settings of an inventory's text as a small document that an operator can edit. */
export function settingsText(text: string): string {
  const document = parseDocument(text);
  const found: Record<string, unknown> = {};
  for (const [first, second] of SECTIONS) {
    const value = document.getIn(second ? [first, second] : [first!]);
    const plain = isMap(value) ? value.toJS(document) : value;
    if (first === 'patroni')
      found.patroni = Object.fromEntries(Object.entries(plain ?? {}).filter(([key]) => !(key in FIXED)));
    else if (second) found[first!] = { [second]: plain ?? {} };
    else if (plain !== undefined && plain !== null) found[first!] = plain;
  }
  return stringify(found);
}

/** Returns the changes between two of these documents. Throws for a key that is no setting. */
export function settingEdits(before: string, after: string): SettingEdit[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  return [
    ...[...old.keys()].filter((key) => !now.has(key)).map((key) => ({ path: settingPath(key) })),
    ...[...now]
      .filter(([key, value]) => old.get(key) !== value)
      .map(([key, value]) => ({ path: settingPath(key), value })),
  ];
}

function leavesOf(text: string): Map<string, SettingValue> {
  const document = parseDocument(text);
  if (document.errors[0]) throw new Error(document.errors[0].message);
  const leaves = new Map<string, SettingValue>();
  const walk = (value: unknown, path: string) => {
    if (value === null || value === undefined) return;
    if (Array.isArray(value)) throw new Error(`${path}: a single value is needed`);
    if (typeof value !== 'object') leaves.set(path, value as SettingValue);
    else for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key);
  };
  walk(document.toJS(), '');
  return leaves;
}

const pairOf = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);

const startOf = ({ key }: Pair): number => (isScalar(key) ? (key.range?.[0] ?? 0) : 0);
const endOf = ({ key, value }: Pair): number =>
  (value as { range?: [number, number, number] } | null)?.range?.[1] ?? (isScalar(key) ? (key.range?.[1] ?? 0) : 0);

/** Returns the inventory's text with one setting changed; every other character stays. Throws when a collection is there. */
export function editSetting(text: string, { path, value }: SettingEdit): string {
  const root = parseDocument(text).contents;
  if (!isMap(root)) throw new Error('the inventory is no map');
  if (value !== undefined) return set(text, root, path, value);
  if (!root.hasIn(path)) throw new Error(`${path.join('.')} is not set`);
  return unset(text, root, path);
}

function set(text: string, map: YAMLMap, path: readonly string[], value: SettingValue): string {
  const [key, ...rest] = path;
  const pair = pairOf(map, key!);
  const nested = rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  if (!pair) return insert(text, map, key!, nested);
  if (isMap(pair.value) && pair.value.items.length > 0 && rest.length > 0)
    return set(text, pair.value as YAMLMap, rest, value);
  const empty = pair.value === null || (isScalar(pair.value) && pair.value.value === null) || isMap(pair.value);
  if (rest.length > 0 ? !empty : !isScalar(pair.value)) throw new Error(`${path.join('.')}: there is a collection`);
  const [from, to] = (pair.value as { range?: [number, number, number] } | null)?.range ?? [endOf(pair), endOf(pair)];
  // A key without a value has only the colon and the place after it.
  const gap = from === to && text[from - 1] !== ' ' ? ' ' : '';
  return `${text.slice(0, from)}${gap}${flowYaml(nested)}${text.slice(to)}`;
}

/** Inserts a new pair after the last one, but at the top level before the hosts, which are a long list. */
function insert(text: string, map: YAMLMap, key: string, value: unknown): string {
  const hosts = map.items.findIndex((item) => isScalar(item.key) && item.key.value === 'hosts');
  const last = map.items[hosts > 0 ? hosts - 1 : map.items.length - 1]!;
  const entry = `${flowYaml(key)}: ${flowYaml(value)}`;
  if (map.flow) return `${text.slice(0, endOf(last))}, ${entry}${text.slice(endOf(last))}`;
  const [, end] = linesOf(text, last);
  const before = text.slice(0, end);
  const start = startOf(last);
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return `${before}${before.endsWith('\n') ? '' : '\n'}${indent}${entry}\n${text.slice(end)}`;
}

/** Whether a map holds nothing but this path. */
const isAlone = (map: YAMLMap, [key, ...rest]: readonly string[]): boolean =>
  map.items.length === 1 && (rest.length === 0 || isAlone(pairOf(map, key!)!.value as YAMLMap, rest));

/** Removes an existing pair; a map that would be left empty goes as a whole. */
function unset(text: string, map: YAMLMap, [key, ...rest]: readonly string[]): string {
  const index = map.items.findIndex((item) => isScalar(item.key) && String(item.key.value) === key);
  const pair = map.items[index]!;
  if (rest.length > 0 && !isAlone(pair.value as YAMLMap, rest)) return unset(text, pair.value as YAMLMap, rest);
  if (!map.flow) {
    const [from, to] = linesOf(text, pair);
    return text.slice(0, from) + text.slice(to);
  }
  const next = map.items[index + 1];
  const [from, to] = next
    ? [startOf(pair), startOf(next)]
    : [index > 0 ? endOf(map.items[index - 1]!) : startOf(pair), endOf(pair)];
  return text.slice(0, from) + text.slice(to);
}
