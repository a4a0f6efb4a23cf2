import type { Extra, GrantWant, Group, Place, Right, RightsState, RightsWant } from './rights.ts';
import { grantee, identifier, type Statement } from './text.ts';

/** An object with its rights, as GRANT names it. */
interface Thing {
  /** Words of SQL: `schema "app"`, `table "app"."orders"`. */
  sql: string;
  text: string;
  owner: string;
  rights: readonly Right[];
}

/** Some objects of a kind in words: one by its name, several by their number and the first. */
const several = (kind: string, schema: string, names: readonly string[]): string =>
  names.length === 1 ? `${kind} ${schema}.${names[0]}` : `${names.length} ${kind}s of ${schema} (${names[0]}, ...)`;

/** PostgreSQL counts procedures to the functions, and GRANT has one word for both. */
const keyword = (kind: Group['kind']): string => (kind === 'function' ? 'routine' : kind);

const thingOf = ({ kind, schema, owner, rights }: Group, names: readonly string[]): Thing => ({
  sql: `${keyword(kind)} ${names.map((name) => `${identifier(schema)}.${name}`).join(', ')}`,
  text: several(kind, schema, names),
  owner,
  rights,
});

/** Returns the things that a place stands for; none where it does not exist. */
export function thingsAt({ kind, schema, name }: Place, database: string, state: RightsState): Thing[] {
  if (kind === 'database')
    return [{ sql: `database ${identifier(database)}`, text: `database ${database}`, ...state.database }];
  if (kind === 'schema')
    return state.schemas
      .filter((one) => one.name === schema)
      .map((one) => ({ sql: `schema ${identifier(one.name)}`, text: `schema ${one.name}`, ...one }));
  return state.objects
    .filter((group) => group.kind === kind && group.schema === schema)
    .flatMap((group) => {
      const names = name === null ? group.names : group.names.filter((one) => unquoted(one) === name);
      return names.length > 0 ? [thingOf(group, names)] : [];
    });
}

const unquoted = (name: string): string => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

const has = (rights: readonly Right[], to: string, privilege: string): boolean =>
  rights.some(([who, what]) => who === to && what === privilege);

/** Returns the statements that grant what is missing. A schema that is about to be made has only its owner's rights. */
export const grantStatements = ({ grants, database, schemas }: RightsWant, state: RightsState): Statement[] => {
  const made = schemas
    .filter(({ name }) => !state.schemas.some((one) => one.name === name))
    .map(({ name, owner }) => ({ name, owner, rights: ownersOf(owner) }));
  const after = { ...state, schemas: [...state.schemas, ...made] };
  return grants.flatMap((grant) => thingsAt(grant, database, after).flatMap((thing) => missing(grant, thing)));
};

const ownersOf = (owner: string): Right[] => ['create', 'usage'].map((privilege) => [owner, privilege, owner]);

/** Returns the things that lack a declared right. */
export const lacking = (grant: GrantWant, database: string, state: RightsState): { owner: string }[] =>
  thingsAt(grant, database, state).filter((thing) => missing(grant, thing).length > 0);

function missing({ privileges, to }: GrantWant, thing: Thing): Statement[] {
  const needed = privileges.filter((one) => !has(thing.rights, to, one));
  if (needed.length === 0) return [];
  return [
    {
      text: `grant ${needed.join(', ')} on ${thing.text} to ${to}`,
      statement: () => `grant ${needed.join(', ')} on ${thing.sql} to ${grantee(to)}`,
    },
  ];
}

/** What everybody may do with `public: none` and `public: connect`. */
const EVERYBODY = {
  none: { database: [], schema: [] },
  connect: { database: ['connect'], schema: ['usage'] },
} as const;

/** Returns the statements that make the rights of everybody in the database and its schema public those of `public`. */
export function publicStatements({ public: everybody, database }: RightsWant, state: RightsState): Statement[] {
  if (!everybody) return [];
  return (['database', 'schema'] as const).flatMap((kind) =>
    thingsAt({ kind, schema: 'public', name: null }, database, state).flatMap((thing) => {
      const wanted: readonly string[] = EVERYBODY[everybody][kind];
      const granted = thing.rights.filter(([to]) => to === 'public');
      const over = granted.filter(([, privilege]) => !wanted.includes(privilege));
      const lacking = wanted.filter((one) => !granted.some(([, privilege]) => privilege === one));
      return [
        ...byGrantor(over).map(([by, privileges]) => revoke(thing, 'public', privileges, by)),
        ...(lacking.length > 0
          ? [
              {
                text: `grant ${lacking.join(', ')} on ${thing.text} to public`,
                statement: () => `grant ${lacking.join(', ')} on ${thing.sql} to public`,
              },
            ]
          : []),
      ];
    }),
  );
}

/** Groups rights of one grantee by who gave them: only that role can take them away. */
function byGrantor(rights: readonly Right[]): [by: string, privileges: string[]][] {
  const groups = new Map<string, string[]>();
  for (const [, privilege, by] of rights) groups.set(by, [...(groups.get(by) ?? []), privilege]);
  return [...groups];
}

/** A superuser acts as the owner (PostgreSQL, REVOKE), so what another role gave is taken away in its name. */
function revoke({ sql, text, owner }: Thing, from: string, privileges: readonly string[], by: string): Statement {
  const statement = `revoke ${privileges.join(', ')} on ${sql} from ${grantee(from)}`;
  return {
    text: `revoke ${privileges.join(', ')} on ${text} from ${from}`,
    statement: () => (by === owner ? statement : `set role ${identifier(by)}; ${statement}; reset role`),
  };
}

/**
 * Returns the rights on declared objects that are not declared. Left out are those of owners and of the cluster's own
 * roles, and those of everybody where PostgreSQL gives them by itself: on databases, on functions, on the schema public.
 */
export function undeclaredRights(want: RightsWant, state: RightsState): Extra[] {
  const found = placesOf(want).flatMap((place) =>
    oneByOne(place, want.database, state).flatMap((one) => {
      const over = one.thing.rights.filter(
        ([to, privilege]) =>
          to !== one.thing.owner &&
          !isKept(to, place, want) &&
          !isDeclared(to, privilege, place, one.name, want.grants),
      );
      const roles = new Set(over.map(([to]) => to));
      return [...roles].flatMap((to) =>
        byGrantor(over.filter(([who]) => who === to)).map(([by, privileges]) => {
          const distance = distanceOf(by, one.thing);
          return { ...one, to, by, privileges, distance };
        }),
      );
    }),
  );
  return merged(found);
}

/** Returns what the declarations are about, each once; a whole kind covers its single objects. */
function placesOf({ grants, schemas, public: everybody }: RightsWant): Place[] {
  const places: Place[] = [
    ...grants.map(({ kind, schema, name }) => ({ kind, schema, name })),
    ...schemas.map(({ name }): Place => ({ kind: 'schema', schema: name, name: null })),
    ...(everybody ? [{ kind: 'database', schema: null, name: null } as const] : []),
  ];
  const key = ({ kind, schema, name }: Place) => JSON.stringify([kind, schema, name]);
  const all = new Map(places.map((place) => [key(place), place]));
  return [...all.values()].filter((place) => place.name === null || !all.has(key({ ...place, name: null })));
}

const isDeclared = (
  to: string,
  privilege: string,
  { kind, schema }: Place,
  name: string | null,
  grants: readonly GrantWant[],
): boolean =>
  grants.some(
    (one) =>
      one.to === to &&
      one.privileges.includes(privilege) &&
      one.kind === kind &&
      one.schema === schema &&
      (one.name === null || one.name === name),
  );

function isKept(to: string, { kind, schema }: Place, want: RightsWant): boolean {
  if (to !== 'public') return to.startsWith('pg_') || want.protected.includes(to);
  return kind === 'database' || kind === 'function' || (kind === 'schema' && schema === 'public');
}

/** One object; `group` and `sqlName` only of those in a schema. */
interface One {
  thing: Thing;
  name: string | null;
  group?: Group;
  sqlName?: string;
}

function oneByOne(place: Place, database: string, state: RightsState): One[] {
  if (place.kind === 'database' || place.kind === 'schema')
    return thingsAt(place, database, state).map((thing) => ({ thing, name: null }));
  return state.objects
    .filter((group) => group.kind === place.kind && group.schema === place.schema)
    .flatMap((group) =>
      group.names
        .filter((name) => place.name === null || unquoted(name) === place.name)
        .map((sqlName) => ({ thing: thingOf(group, [sqlName]), name: unquoted(sqlName), group, sqlName })),
    );
}

/** How many grants with grant option are between the owner and a role. What was passed on goes before what it came from. */
function distanceOf(by: string, { owner, rights }: Thing, seen: readonly string[] = []): number {
  if (by === owner || seen.includes(by)) return 0;
  const givers = new Set(rights.filter(([to]) => to === by).map(([, , giver]) => giver));
  return 1 + Math.max(0, ...[...givers].map((giver) => distanceOf(giver, { owner, rights } as Thing, [...seen, by])));
}

/** Makes one statement of the same privileges that the same role gave to the same role on objects of the same kind. */
function merged(found: readonly (One & { to: string; by: string; privileges: string[]; distance: number })[]): Extra[] {
  const alike = new Map<string, { one: (typeof found)[number]; names: string[] }>();
  for (const one of found) {
    const { group, thing, to, by, privileges, distance, sqlName } = one;
    const where = group ? [group.kind, group.schema, group.owner] : [thing.sql];
    const key = JSON.stringify([where, to, by, privileges, distance]);
    const known = alike.get(key) ?? { one, names: [] };
    if (sqlName !== undefined) known.names.push(sqlName);
    alike.set(key, known);
  }
  const farFirst = [...alike.values()].sort((a, b) => b.one.distance - a.one.distance);
  return farFirst.map(({ one: { thing, group, to, by, privileges }, names }) => {
    const all = group ? thingOf(group, names) : thing;
    return {
      text: `${to} has ${privileges.join(', ')} on ${all.text}`,
      statement: revoke(all, to, privileges, by),
    };
  });
}
