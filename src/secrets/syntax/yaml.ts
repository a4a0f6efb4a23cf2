import { type Document, isMap, isSeq, type Node, parseDocument, stringify } from 'yaml';
import { REDACTED, Secret } from '../../secret.ts';
import { conceal, concealInMessage, isPlace, namesSecret } from '../suspect.ts';
import { CHANGED, type Comparison, sweeper } from './lines.ts';

/** Patroni reads its configuration with PyYAML, which is YAML 1.1; what it does not read is not compared. */
const VERSION = '1.1';
/** Deeper than any configuration. */
const DEPTH = 40;

/** Stand-ins that YAML writes without quotes; `[redacted]` would be a list. */
const HIDDEN = 'HAPG-REDACTED';
const HIDDEN_CHANGED = 'HAPG-REDACTED-CHANGED';

type Plain = string | number | boolean | null | undefined | Plain[] | { [key: string]: Plain };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** The value of a key of a map's own; undefined where there is no map, or no such key. */
const at = (value: unknown, key: string): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/**
 * The places of secrets in a text that was made of `value`: offsets from and to, in order. The text holds the same maps
 * and lists in the same order, so that each node of it belongs to one value.
 */
export function secretRanges(text: string, value: unknown): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  const walk = (node: unknown, one: unknown): void => {
    if (one instanceof Secret) {
      const [from, to] = (node as Node).range!;
      // A block ends with its line, which is no part of the secret.
      ranges.push([from, text[to - 1] === '\n' ? to - 1 : to]);
    } else if (Array.isArray(one)) {
      for (const [index, inner] of one.entries()) walk(isSeq(node) ? node.items[index] : undefined, inner);
    } else if (isRecord(one)) {
      const entries = Object.values(one).filter((inner) => inner !== undefined);
      for (const [index, inner] of entries.entries()) walk(isMap(node) ? node.items[index]?.value : undefined, inner);
    }
  };
  walk(parseDocument(text, { version: VERSION, uniqueKeys: false }).contents, value);
  return ranges;
}

/** What is written there, read as Patroni reads it; undefined when it is no map, or no YAML. */
function read(text: string): Record<string, Plain> | undefined {
  let document: Document.Parsed;
  try {
    // A key that is written twice is an error here: what the first one said would not be looked at.
    document = parseDocument(text, { version: VERSION });
    const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
    return isRecord(value) ? (value as Record<string, Plain>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Two YAML texts without their secrets, both written in the same way, so that they differ where their values do: `present`
 * as the host has it, `wanted` as it shall be. Undefined when `present` cannot be read. What is a secret in `wanted` is one
 * in `present` at the same path; beside that, what a key's name or a value's form tells.
 */
export function compareYaml(present: string, wanted: Readonly<Record<string, unknown>>): Comparison | undefined {
  const there = read(present);
  if (!there) return undefined;
  const found: string[] = [];
  const sides = { before: showPresent(there, wanted, '', found), after: tellWanted(wanted, there, found) };
  const sweep = sweeper(found);
  return { before: write(sides.before, sweep), after: write(sides.after, sweep) };
}

/** What may be shown of a present value that stands at `key`, beside the wanted one at the same path; `found` gets the rest. */
function showPresent(value: unknown, want: unknown, key: string, found: string[], depth = 0): Plain {
  const hide = (): string => {
    found.push(...leaves(value));
    return HIDDEN;
  };
  const foreign = (text: string): string => {
    const { text: shown, found: some } = conceal(text);
    found.push(...some);
    return shown;
  };
  const known = want !== undefined;
  const collection = isRecord(value) || Array.isArray(value);
  const alike = Array.isArray(value) ? Array.isArray(want) : isRecord(value) && isRecord(want);
  if (depth > DEPTH || want instanceof Secret || (holdsSecret(want) && !alike)) return hide();
  if (known && equal(want, value)) return tellWanted(want, value, found);
  if (collection && !known && namesSecret(key)) return hide();
  if (isRecord(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        at(want, name) === undefined ? foreign(name) : name,
        showPresent(inner, at(want, name), name, found, depth + 1),
      ]),
    );
  if (Array.isArray(value)) {
    const wants: readonly unknown[] = Array.isArray(want) ? want : [];
    return value.map((inner, index) => {
      const same = wants.find((one) => equal(one, inner)) ?? (isRecord(inner) ? wants[index] : undefined);
      return showPresent(inner, same, key, found, depth + 1);
    });
  }
  if (value === null || value === undefined) return value;
  // A date, bytes, a set: nothing that belongs there.
  if (typeof value === 'object') return hide();
  if (namesSecret(key) && !isPlace(key, String(value)) && !(known && isPath(value))) return hide();
  return typeof value === 'string' ? foreign(value) : (value as number | boolean);
}

/** What is shown of a wanted value beside the present one; a secret that is another one says so. */
function tellWanted(want: unknown, value: unknown, found: string[]): Plain {
  if (want instanceof Secret) {
    found.push(want.reveal());
    return value === undefined || String(value) === want.reveal() ? HIDDEN : HIDDEN_CHANGED;
  }
  if (Array.isArray(want)) {
    const there: readonly unknown[] = Array.isArray(value) ? value : [];
    return want.map((inner, index) => tellWanted(inner, there.find((one) => equal(inner, one)) ?? there[index], found));
  }
  if (isRecord(want))
    return Object.fromEntries(
      Object.entries(want).map(([name, inner]) => [name, tellWanted(inner, at(value, name), found)]),
    );
  if (typeof want !== 'string') return want as Plain;
  const shown = concealInMessage(want);
  return value === undefined || value === want ? shown : shown.replaceAll(REDACTED, CHANGED);
}

const isPath = (value: unknown): boolean => typeof value === 'string' && /^\/[\w./-]+$/.test(value);

const equal = (a: unknown, b: unknown): boolean => !holdsSecret(a) && JSON.stringify(a) === JSON.stringify(b);

const holdsSecret = (value: unknown): boolean =>
  value instanceof Secret ||
  (Array.isArray(value) && value.some(holdsSecret)) ||
  (isRecord(value) && Object.values(value).some((inner) => holdsSecret(inner)));

/** Every single value inside one. */
function leaves(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(leaves);
  if (isRecord(value)) return Object.values(value).flatMap(leaves);
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  return value === null || value === undefined ? [] : [String(value)];
}

function write(value: Plain, sweep: (text: string) => string): string {
  const swept = (one: Plain): Plain => {
    if (typeof one === 'string') return one === HIDDEN || one === HIDDEN_CHANGED ? one : hidden(sweep(one));
    if (Array.isArray(one)) return one.map(swept);
    if (isRecord(one))
      return Object.fromEntries(
        Object.entries(one).map(([name, inner]) => [hidden(sweep(name)), swept(inner as Plain)]),
      );
    if (one === null || one === undefined) return one;
    // Numbers may be passwords, too.
    return sweep(String(one)) === String(one) ? one : HIDDEN;
  };
  const hidden = (text: string): string => text.replaceAll(CHANGED, HIDDEN_CHANGED).replaceAll(REDACTED, HIDDEN);
  return stringify(swept(value), { version: VERSION, aliasDuplicateObjects: false, lineWidth: 0 })
    .replaceAll(HIDDEN_CHANGED, CHANGED)
    .replaceAll(HIDDEN, REDACTED);
}
