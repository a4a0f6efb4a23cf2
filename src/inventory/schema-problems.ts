import type { z } from 'zod';
import { roleMeant } from './role-words.ts';
import { inventorySchema } from './schema.ts';
import { suggest } from './suggest.ts';
import type { Problem } from './yaml-text.ts';

type Path = readonly (string | number)[];
type Issue = z.core.$ZodIssue;

/** Keys and values that people bring from elsewhere, by the place where they stand (* for any key), with what to do instead. */
const ELSEWHERE = new Map([
  [
    'postgres.users.*.password',
    'postgres.users has no passwords: hapg makes one for each user and keeps it in the secret store ("hapg secrets show NAME" prints it), or with password: own you bring it ("hapg secrets set user-NAME")',
  ],
]);

/**
 * Translates what the schema says of an inventory's data into problems that name what to write instead, with the
 * person's own value. One mistake is one problem: a misspelt key is not said to be missing too.
 */
export function schemaProblems(issues: readonly Issue[], data: unknown): Problem[] {
  const misspelt = new Set(issues.flatMap((issue) => spellingsOf(issue).map((key) => keyOf([...pathOf(issue), key]))));
  return issues
    .filter((issue) => !(isMissing(issue, data) && (misspelt.has(keyOf(pathOf(issue))) || isMerged(issue, issues))))
    .flatMap((issue) => toProblems(issue, data));
}

const pathOf = (issue: Issue): Path => issue.path as (string | number)[];
const keyOf = (path: Path): string => path.map(String).join('\0');
const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], data);
const isMissing = (issue: Issue, data: unknown): boolean =>
  issue.code === 'invalid_type' && valueAt(data, pathOf(issue)) === undefined;

/** The known keys that unknown ones of an issue may have been meant for. */
function spellingsOf(issue: Issue): string[] {
  if (issue.code !== 'unrecognized_keys') return [];
  const known = knownKeys(pathOf(issue));
  return issue.keys.flatMap((key) => /"(.*)"/.exec(suggest(key, known))?.[1] ?? []);
}

/** Whether a key is missing beside a merge key, which would have brought it. */
const isMerged = (issue: Issue, issues: readonly Issue[]): boolean =>
  issues.some(
    (other) =>
      other.code === 'unrecognized_keys' &&
      other.keys.includes('<<') &&
      keyOf(pathOf(other)) === keyOf(pathOf(issue).slice(0, -1)),
  );

function toProblems(issue: Issue, data: unknown): Problem[] {
  const path = pathOf(issue);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      severity: 'error',
      path: [...path, key],
      atKey: true,
      message: unknown(path, key),
    }));
  if (issue.code === 'invalid_key')
    return issue.issues.map((inner) => ({
      severity: 'error',
      path,
      atKey: true,
      message: path[0] === 'hosts' ? `hosts: ${path.at(-1)} is no name of a host: ${inner.message}` : inner.message,
    }));
  return [{ severity: 'error', path, message: message(issue, valueAt(data, path)) }];
}

function unknown(path: Path, key: string): string {
  if (key === '<<')
    return 'merge keys (<<) are no part of YAML 1.2: write the keys out, or the whole mapping as an alias (*NAME)';
  return elsewhere([...path, key]) ?? `unknown key "${key}"${suggest(key, knownKeys(path))}`;
}

const elsewhere = (path: Path): string | undefined =>
  ELSEWHERE.get(path.map((one) => (typeof one === 'number' ? '*' : one)).join('.'));

function message(issue: Issue, value: unknown): string {
  // What was written may be a password, and is not repeated.
  const instead = elsewhere(pathOf(issue));
  if (instead) return instead;
  const name = issue.path.map(String).join('.');
  if (issue.code === 'invalid_type')
    return value === undefined ? `${name} is missing` : `${name}: ${wrongType(issue, value)}`;
  // A union says nothing of the booleans that it takes.
  if (issue.code === 'invalid_union' && isWordForBoolean(value)) return `${name}: ${asBoolean(value)}`;
  if (issue.code === 'invalid_value') return `${name}: ${notAmong(issue, value)}`;
  return `${name}: ${issue.message}`;
}

const isWordForBoolean = (value: unknown): boolean => /^(?:yes|no|on|off)$/i.test(String(value));
const asBoolean = (value: unknown): string => `${value} is a text in YAML 1.2; write true or false`;

/** A number with a unit, as systemd and PostgreSQL take it. */
const WITH_UNIT = /^(\d+)\s*(?:ms|s|sec|seconds?|m|min|minutes?|h|d)$/;

function wrongType(issue: z.core.$ZodIssueInvalidType, value: unknown): string {
  const path = pathOf(issue);
  const own = !issue.message.startsWith('Invalid input');
  const key = String(path.at(-1));
  const written = Array.isArray(value) || typeof value === 'object' ? undefined : String(value);
  switch (issue.expected) {
    case 'boolean':
      return typeof value === 'string' ? asBoolean(value) : issue.message;
    case 'array':
      return `a list is needed${written === undefined ? '' : `: ${key}: [${written}]`}`;
    case 'object':
    case 'record': {
      if (path.length === 1 && key === 'hosts')
        return 'the hosts are a mapping by name: db1: {address: 10.0.0.1, roles: [etcd, patroni]}';
      const [first] = knownKeys(path);
      return `a mapping is needed${first && written !== undefined ? `, such as ${key}: {${first}: ${written}}` : ''}`;
    }
    case 'string':
      if (own || typeof value !== 'number') return own ? issue.message : `a text is needed`;
      return `${value} was read as a number; put it in quotes`;
    case 'number':
    case 'int': {
      if (own) return issue.message;
      const bare = WITH_UNIT.exec(String(value))?.[1] ?? (/^\d+$/.test(String(value)) ? String(value) : undefined);
      const what = WITH_UNIT.test(String(value)) ? 'a number without a unit' : 'a number';
      return `${what} is needed${bare === undefined ? `, and this is ${JSON.stringify(value)}` : `: ${key}: ${bare}`}`;
    }
    default:
      return issue.message;
  }
}

function notAmong(issue: z.core.$ZodIssueInvalidValue, value: unknown): string {
  const known = issue.values.map(String);
  const path = pathOf(issue);
  const word = String(value);
  const meant = path[0] === 'hosts' && path[2] === 'roles' ? roleMeant(word) : undefined;
  if (meant) return `there is no role "${word}": ${meant}`;
  return `${JSON.stringify(value)} is not one of ${known.join(', ')}${typeof value === 'string' ? suggest(value, known) : ''}`;
}

type Def = {
  type: string;
  innerType?: z.ZodType;
  shape?: Record<string, z.ZodType>;
  valueType?: z.ZodType;
  element?: z.ZodType;
  options?: z.ZodType[];
};

/** Returns the keys that the schema allows at a path. */
function knownKeys(path: Path): string[] {
  let schema: z.ZodType | undefined = inventorySchema;
  const unwrap = (type: z.ZodType | undefined): z.ZodType | undefined => {
    const def = type?._zod.def as Def | undefined;
    if (def?.innerType) return unwrap(def.innerType);
    if (def?.type === 'union') return def.options?.find((option) => (option._zod.def as Def).type === 'object');
    return type;
  };
  for (const key of path) {
    const def = unwrap(schema)?._zod.def as unknown as Def | undefined;
    schema = def?.shape ? def.shape[String(key)] : (def?.valueType ?? def?.element);
  }
  const def = unwrap(schema)?._zod.def as unknown as Def | undefined;
  return Object.keys(def?.shape ?? {});
}
