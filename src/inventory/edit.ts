import { renameSync, statSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, LineCounter, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml';

/** A host as `add-replica` writes it. */
export interface NewHost {
  address: string;
  ssh?: { host: string; port?: number };
  roles: string[];
  datacenter?: string;
}

/** Formats a value in YAML's flow style, on one line. */
export const flowYaml = (value: unknown): string =>
  stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim();

/** Finds the hosts of an inventory in its text. */
function hostsOf(text: string): { hosts: YAMLMap; counter: LineCounter } {
  const counter = new LineCounter();
  const hosts = parseDocument(text, { lineCounter: counter }).get('hosts', true);
  if (!isMap(hosts) || hosts.items.length === 0) throw new Error('the inventory has no hosts');
  if (typeof hosts.get('from') === 'string')
    throw new Error(`the hosts come from ${hosts.get('from')}: change them where that is made`);
  if (hosts.flow) throw new Error('write hosts: as one line a host, so that a line can be added or removed');
  return { hosts, counter };
}

/** Returns the lines of one pair: offset of the first one, and offset after the last one's line break. */
export function linesOf(text: string, { key, value }: Pair): [from: number, to: number] {
  const start = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
  const end = (value as { range?: [number, number, number] } | null)?.range?.[1] ?? start;
  const from = text.lastIndexOf('\n', start - 1) + 1;
  if (text[end - 1] === '\n') return [from, end];
  const lineEnd = text.indexOf('\n', end);
  return [from, lineEnd < 0 ? text.length : lineEnd + 1];
}

/** Whether a host of an inventory agrees with everything that was named of a new one. */
const says = (there: Partial<NewHost>, { roles, ...named }: NewHost): boolean =>
  [...(there.roles ?? [])].sort().join() === [...roles].sort().join() &&
  Object.entries(named).every(([key, value]) => isDeepStrictEqual(there[key as keyof NewHost], value));

/**
 * Returns the inventory's text with one more host, on a line after the last one; every other character stays. A
 * host that agrees with all that is named of it leaves the text unchanged. Throws when the name is in use otherwise.
 */
export function addHost(text: string, name: string, host: NewHost): string {
  const { hosts, counter } = hostsOf(text);
  const there = parseDocument(text).toJS().hosts[name];
  if (there !== undefined) {
    if (says(there, host)) return text;
    const key = hosts.items.find((pair) => isScalar(pair.key) && pair.key.value === name)!.key as { range: [number] };
    const { line } = counter.linePos(key.range[0]);
    throw new Error(`the name ${name} is in use, on line ${line}: ${flowYaml(there)}; correct that line, or remove it`);
  }
  const last = hosts.items.at(-1)!;
  const [, end] = linesOf(text, last);
  const indent = ' '.repeat(counter.linePos((last.key as { range: [number] }).range[0]).col - 1);
  const entry = flowYaml(host);
  const before = text.slice(0, end);
  return `${before}${before.endsWith('\n') ? '' : '\n'}${indent}${name}: ${entry}\n${text.slice(end)}`;
}

/** Returns the inventory's text without a host; every other character stays. */
export function removeHost(text: string, name: string): string {
  const { hosts } = hostsOf(text);
  const pair = hosts.items.find(({ key }) => isScalar(key) && key.value === name);
  if (!pair) throw new Error(`the inventory has no host ${name}`);
  const [from, to] = linesOf(text, pair);
  return text.slice(0, from) + text.slice(to);
}

/** Returns the inventory's text without one of its keys; every other character stays. */
export function removeKey(text: string, name: string): string {
  const all = parseDocument(text).contents;
  const pair = isMap(all) ? all.items.find(({ key }) => isScalar(key) && key.value === name) : undefined;
  if (!pair) return text;
  const [from, to] = linesOf(text, pair);
  return text.slice(0, from) + text.slice(to);
}

/** Replaces an inventory's text atomically, with the old file's mode. */
export function writeInventory(file: string, text: string): void {
  const next = `${file}.new`;
  writeFileSync(next, text, { mode: statSync(file).mode });
  renameSync(next, file);
}
