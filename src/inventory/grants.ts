import { suggest } from './suggest.ts';

/** Kinds of objects on which rights are declared. */
export type ObjectKind = 'database' | 'schema' | 'table' | 'sequence' | 'function';

/** What a grant is about: a database, a schema, one object, or each object of a kind in a schema. */
export type Target =
  | { kind: 'database' }
  | { kind: 'schema'; schema: string }
  | { kind: 'table' | 'sequence'; schema: string; name: string }
  | { kind: 'table' | 'sequence' | 'function'; schema: string; name: undefined };

/** Kinds of objects for which default privileges are declared. */
export const DEFAULTS_ON = ['tables', 'sequences', 'functions'] as const;
export type DefaultsOn = (typeof DEFAULTS_ON)[number];

/** Returns the kind of which a plural speaks. */
export const kindOf = (plural: DefaultsOn): 'table' | 'sequence' | 'function' =>
  plural.slice(0, -1) as 'table' | 'sequence' | 'function';

const PLAIN = '[a-z_][a-z0-9_$]*';
/** A name of SQL: plain, or in double quotes with a double quote written twice. */
const NAME = `(${PLAIN}|"(?:[^"]|"")+")`;
const FORMS: readonly [form: RegExp, target: (names: string[]) => Target][] = [
  [/^database$/, () => ({ kind: 'database' })],
  [new RegExp(`^schema ${NAME}$`), ([schema]) => ({ kind: 'schema', schema: schema! })],
  ...(['table', 'sequence'] as const).map((kind): (typeof FORMS)[number] => [
    new RegExp(`^${kind} ${NAME}\\.${NAME}$`),
    ([schema, name]) => ({ kind, schema: schema!, name: name! }),
  ]),
  ...DEFAULTS_ON.map((plural): (typeof FORMS)[number] => [
    new RegExp(`^all ${plural} in schema ${NAME}$`),
    ([schema]) => ({ kind: kindOf(plural), schema: schema!, name: undefined }),
  ]),
];
const WORDS = [
  'database',
  'schema NAME',
  'table SCHEMA.NAME',
  'sequence SCHEMA.NAME',
  ...DEFAULTS_ON.map((plural) => `all ${plural} in schema NAME`),
];

const unquoted = (name: string): string => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

/** Reads what a grant is about. Undefined where the text is none of the forms. */
export function parseTarget(text: string): Target | undefined {
  const plain = text.trim().replaceAll(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/g, ' ');
  for (const [form, target] of FORMS) {
    const match = form.exec(plain);
    if (match) return target(match.slice(1).map(unquoted));
  }
  return undefined;
}

/** Returns why a text is not what a grant can be about, with the form that was probably meant. */
export function targetMistake(text: string): string {
  const [first = '', second = ''] = text.trim().split(/\s+/);
  if (/^(table|sequence)$/.test(first) && second && !second.includes('.'))
    return `${first} ${second} has no schema: ${first} SCHEMA.${second}`;
  if (first === 'database' && second) return `a grant is about its own database: on: database`;
  const begun = text.trim().replace(/^(.*\bin schema|schema|table|sequence)\b.*$/, '$1');
  const near = suggest(
    begun,
    WORDS.map((form) => form.replace(/ (SCHEMA\.)?NAME$/, '')),
  );
  return `${JSON.stringify(text)} is none of: ${WORDS.join(', ')}${near}`;
}

const quoted = (name: string): string =>
  new RegExp(`^${PLAIN}$`).test(name) ? name : `"${name.replaceAll('"', '""')}"`;

/** Returns the text of an inventory for a target; `parseTarget` reads it. */
export function targetText(target: Target): string {
  if (target.kind === 'database') return 'database';
  if (target.kind === 'schema') return `schema ${quoted(target.schema)}`;
  if (target.name === undefined) return `all ${target.kind}s in schema ${quoted(target.schema)}`;
  return `${target.kind} ${quoted(target.schema)}.${quoted(target.name)}`;
}

/** Returns the privileges that there are for a kind of object in a major version (PostgreSQL, "Privileges"). */
export function privilegesOf(kind: ObjectKind, major: number): string[] {
  switch (kind) {
    case 'database':
      return ['create', 'connect', 'temporary'];
    case 'schema':
      return ['create', 'usage'];
    case 'sequence':
      return ['select', 'update', 'usage'];
    case 'function':
      return ['execute'];
    case 'table':
      return [
        ...['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'],
        ...(major >= 17 ? ['maintain'] : []),
      ];
  }
}

/** Returns what a list of privileges means: `all` is every one of the kind, `temp` is another word for temporary. */
export const expandPrivileges = (list: readonly string[], kind: ObjectKind, major: number): string[] =>
  list.includes('all') ? privilegesOf(kind, major) : list.map((one) => (one === 'temp' ? 'temporary' : one));

/** Returns the roles of `to`. */
export const granteesOf = (to: string | readonly string[]): readonly string[] => (typeof to === 'string' ? [to] : to);
