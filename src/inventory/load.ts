import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { errnoWords } from '../file-trouble.ts';
import { fromHere } from '../from-here.ts';
import { crossCheck } from './checks.ts';
import { Layers } from './layers.ts';
import { buildCluster, type Cluster } from './model.ts';
import { type Inventory, inventorySchema } from './schema.ts';
import { schemaProblems } from './schema-problems.ts';
import { standbyOfUpstream } from './standby-checks.ts';
import { hostsFromTerraform } from './terraform.ts';
import { BadInventory, badInventory, type Problem, YamlText } from './yaml-text.ts';

export interface Loaded {
  cluster: Cluster;
  /** The text of the inventory's own file, after the edit. */
  text: string;
  /** Formatted warnings; the inventory is usable. */
  warnings: string[];
  /** Returns where a path stands in the files, FILE:LINE or the words of `-e`; undefined where it does not. */
  placeOf(path: readonly string[]): string | undefined;
  /** Formats a problem as `file:line:column: severity: message`, with its line and a caret. */
  format(problem: Problem): string;
  /** Returns the error for problems that show only outside the files. */
  refuse(problems: readonly Problem[]): BadInventory;
}

/** The files of an inventory: its own one, or several, of which a later one lies over those before it. */
export type InventoryFiles = string | readonly string[];

/** Returns the files under the inventory's own one, and that one. */
export function filesOf(files: InventoryFiles): { under: readonly string[]; own: string } {
  const list = typeof files === 'string' ? [files] : files;
  return { under: list.slice(0, -1), own: list.at(-1)! };
}

/** What an error of an edit says where there are files under the edited one; empty where there are none. */
export const onlyTheLast = (under: readonly string[]): string =>
  under.length > 0 ? `; of several files only the last one is edited, not ${under.join(', ')}` : '';

/** Reads the text of an inventory's file. Throws UsageError. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'ENOENT'
        ? `${file}: cannot read the inventory (${code}). Name it with -i FILE, or write one with "hapg init".`
        : `${file}: cannot read the inventory: ${errnoWords(cause) ?? (cause as Error).message}. Name it with -i FILE.`,
    );
  }
}

/**
 * Reads an inventory into the model. `overrides` are `-e key=value` pairs, set on top of its files (dotted keys, YAML
 * values). `edit` changes the text of its own file first. Throws UsageError with every problem as
 * `file:line:column: error: ...`, before any host is contacted.
 */
export function loadInventory(
  files: InventoryFiles,
  overrides: readonly string[] = [],
  edit: (text: string) => string = (text) => text,
): Loaded {
  const { under, own } = filesOf(files);
  const lower = under.map((file) => ({ file, text: readText(file) }));
  let text = readText(own);
  try {
    text = edit(text);
  } catch (cause) {
    throw new UsageError(`${own}: ${(cause as Error).message}${onlyTheLast(under)}`);
  }
  return parseInventory(text, own, overrides, lower);
}

/** Reads an inventory's text into the model, as `loadInventory` does; `under` are the files that it lies over. */
export function parseInventory(
  text: string,
  file: string,
  overrides: readonly string[] = [],
  under: readonly { file: string; text: string }[] = [],
): Loaded {
  const lower = under.map((one) => new YamlText(fromHere(one.file), one.text));
  for (const one of lower) expectMap(one);
  const yaml = new Layers(lower, new YamlText(fromHere(file), text));
  // An empty file over others changes nothing.
  if (lower.length === 0 || yaml.main.value() !== null) expectMap(yaml.main);
  for (const override of overrides) applyOverride(yaml, override);
  const written = yaml.value() as Record<string, unknown>;
  const lost = pathOfProto(written);
  if (lost) throw yaml.refuse([{ severity: 'error', path: lost, atKey: true, message: 'there is no key "__proto__"' }]);
  const hosts = terraformHosts(yaml, file, written.hosts);
  const data: unknown = hosts ? { ...written, hosts } : written;
  const parsed = inventorySchema.safeParse(data);
  if (!parsed.success) throw yaml.refuse(schemaProblems(parsed.error.issues, data));
  const inventory = parsed.data as Inventory;
  const main = inventory.standby_of === undefined ? undefined : upstreamOf(inventory.standby_of, file, yaml);
  const problems = [
    ...crossCheck(inventory, new Set(Object.keys(data as object))),
    ...(main ? standbyOfUpstream(inventory, main.settings, inventory.standby_of!) : []),
  ];
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) throw yaml.refuse(errors);
  const warnings = problems.filter((problem) => problem.severity === 'warning').map((problem) => yaml.format(problem));
  const files = under.map((one) => one.file);
  return {
    cluster: buildCluster(inventory, { own: file, under: files }, main),
    ...{ text, warnings, placeOf: (path) => yaml.placeOf(path) },
    ...{ format: (problem) => yaml.format(problem), refuse: (of) => yaml.refuse(of) },
  };
}

/** Returns the path of a key `__proto__`, which the schema would pass over without a word; undefined when there is none. */
function pathOfProto(value: unknown, path: readonly (string | number)[] = []): (string | number)[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, part] of Object.entries(value)) {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    const found = key === '__proto__' ? here : pathOfProto(part, here);
    if (found) return found;
  }
  return undefined;
}

/** Throws UsageError for an empty text or one that is no map. */
function expectMap(yaml: YamlText): void {
  const value = yaml.value();
  if (value === null || value === undefined)
    throw new BadInventory(`${yaml.file}: the inventory is empty. "hapg init" writes one.`, ['the inventory is empty']);
  if (typeof value === 'object' && !Array.isArray(value)) return;
  const message = `this is ${Array.isArray(value) ? 'a list' : 'a single value'}, and an inventory is a map: "cluster: NAME", "hosts:", ... "hapg init" writes one`;
  throw badInventory(yaml.file, [yaml.format({ severity: 'error', path: [], message })], [message]);
}

/**
 * Returns the model of the upstream cluster of the standby cluster of `file`; `name` is the path that is written there,
 * and `yaml` that text, for errors. Throws UsageError.
 */
export function upstreamOf(name: string, file: string, yaml?: Layers): Cluster {
  const refuse = (message: string) =>
    yaml?.refuse([{ severity: 'error', path: ['standby_of'], message }]) ?? new UsageError(message);
  let text: string;
  const path = resolve(dirname(file), name);
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw refuse(
      `cannot read the inventory ${name} (${errnoWords(cause) ?? (cause as Error).message}). Where it is lost with its cluster, "hapg promote" goes without it`,
    );
  }
  if (new YamlText(fromHere(path), text).document.has('standby_of'))
    throw refuse(`${name} is a standby cluster itself; replicate the cluster that it is a standby of`);
  return parseInventory(text, path).cluster;
}

/** Returns hosts that the inventory takes from Terraform. Throws UsageError. */
function terraformHosts(yaml: Layers, file: string, hosts: unknown): Record<string, unknown> | undefined {
  try {
    return hostsFromTerraform(yaml, file, hosts);
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
}

/** Sets one `-e key=value`. Throws UsageError. */
function applyOverride(yaml: Layers, override: string): void {
  const from = `-e ${override}`;
  const at = override.indexOf('=');
  const [first, second, ...rest] = override.slice(0, Math.max(at, 0)).split('.') as [string, ...string[]];
  // An extension's setting has a dot in its own name.
  const whole = first === 'postgres' && second === 'parameters' && rest.length > 0;
  const path = whole ? [first, second, rest.join('.')] : [first, ...(second === undefined ? [] : [second]), ...rest];
  if (at < 1 || path.includes('')) throw new UsageError(`${from}: expected key=value, such as -e postgres.port=5433`);
  yaml.override(path, new YamlText('-e', override.slice(at + 1)).value(), from);
}
