import { type Document, isMap, isSeq, type Node, parseDocument, stringify } from 'yaml';
import { REDACTED, Secret } from '../../secret.ts';
import { conceal, concealInMessage, isPlace, namesSecret } from '../suspect.ts';
import { CHANGED, type Comparison, sweeper } from './lines.ts';

/** The YAML version of PyYAML, with which Patroni reads its configuration. */
const VERSION = '1.1';
/** The greatest depth that is read, deeper than any configuration. */
const DEPTH = 40;

/** Placeholders that YAML writes without quotes; `[redacted]` would be a list. */
const HIDDEN = 'HAPG-REDACTED';
const HIDDEN_CHANGED = 'HAPG-REDACTED-CHANGED';

type Plain = string | number | boolean | null | undefined | Plain[] | { [key: string]: Plain };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Returns the value of a map's own key; undefined without a map or the key. */
const at = (value: unknown, key: string): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/**
 * Returns the offsets of secrets, from and to, in the text of `value`, in order. The text has the same maps and lists
 * in the same order, so each of its nodes belongs to one value.
 */
export function secretRanges(text: string, value: unknown): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  const walk = (node: unknown, one: unknown): void => {
    if (one instanceof Secret) {
      const [from, to] = (node as Node).range!;
      // A block includes its line break, which is no part of the secret.
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

/** Parses a text as Patroni does; undefined when it is no map, or no YAML. */
function read(text: string): Record<string, Plain> | undefined {
  let document: Document.Parsed;
  try {
    // A duplicate key is an error here: the first one's value would not be checked.
    document = parseDocument(text, { version: VERSION });
    const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
    return isRecord(value) ? (value as Record<string, Plain>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns two YAML texts without their secrets, in the same format, so that they differ only in values: `present` of
 * the host, and `wanted`. Undefined when `present` cannot be read. A value of `present` is a secret when `wanted` has
 * one at its path, or by its key's name or its form.
 */
export function compareYaml(present: string, wanted: Readonly<Record<string, unknown>>): Comparison | undefined {
  const there = read(present);
  if (!there) return undefined;
  const found: string[] = [];
  const sides = { before: showPresent(there, wanted, '', found), after: tellWanted(wanted, there, found) };
  const sweep = sweeper(found);
  return { before: write(sides.before, sweep), after: write(sides.after, sweep) };
}

/** Returns what may be shown of a present value at `key`, given the wanted one at the same path; `found` gets the secrets. */
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
  // A date, bytes or a set does not belong there.
  if (typeof value === 'object') return hide();
  if (namesSecret(key) && !isPlace(key, String(value)) && !(known && isPath(value))) return hide();
  return typeof value === 'string' ? foreign(value) : (value as number | boolean);
}

/** Returns what may be shown of a wanted value, given the present one; a changed secret is marked. */
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

/** Returns every scalar inside a value. */
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
