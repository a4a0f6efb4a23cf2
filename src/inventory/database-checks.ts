import { type Database, presentUsers } from './accounts.ts';
import { type Check, error, type Path } from './check.ts';
import {
  expandPrivileges,
  granteesOf,
  kindOf,
  type ObjectKind,
  parseTarget,
  privilegesOf,
  targetMistake,
  targetText,
} from './grants.ts';
import type { Inventory } from './schema.ts';
import { sessionSettings } from './session-settings.ts';
import { suggest } from './suggest.ts';
import type { Problem } from './yaml-text.ts';

const at = (index: number, ...more: Path): Path => ['postgres', 'databases', index, ...more];

/** Checks the databases of an inventory, their schemas and the rights in them. */
export const databases: Check = (inventory) =>
  inventory.postgres.databases.flatMap((database, index) => {
    const problems = nameProblems(inventory, database, index);
    if (database.ensure === 'absent') return problems;
    const roles = rolesOf(inventory);
    return [
      ...problems,
      ...(database.owner ? unknownRole(roles, database.owner, at(index, 'owner'), 'owner ') : []),
      ...sessionSettings(database.settings ?? {}, at(index, 'settings'), inventory),
      ...schemaProblems(roles, database, index),
      ...grantProblems(inventory, roles, database, index),
      ...defaultProblems(inventory, roles, database, index),
    ];
  });

interface Roles {
  present: readonly string[];
  absent: readonly string[];
}

const rolesOf = ({ postgres }: Inventory): Roles => ({
  present: presentUsers(postgres).map(({ name }) => name),
  absent: postgres.users.filter(({ ensure }) => ensure === 'absent').map(({ name }) => name),
});

function unknownRole({ present, absent }: Roles, name: string, path: Path, what = ''): Problem[] {
  if (present.includes(name)) return [];
  if (absent.includes(name)) return [error(path, `${what}${name} is to be absent`)];
  return [error(path, `${what}${name} is not among postgres.users${suggest(name, present)}`)];
}

function nameProblems({ postgres }: Inventory, { name }: Database, index: number): Problem[] {
  return [
    ...(postgres.databases.findIndex((one) => one.name === name) < index
      ? [error(at(index, 'name'), `database ${name} is named twice`)]
      : []),
    ...(/^(postgres|template[01])$/.test(name)
      ? [error(at(index, 'name'), `${name} always exists and is not managed`)]
      : []),
  ];
}

function schemaProblems(roles: Roles, { schemas = [] }: Database, index: number): Problem[] {
  return schemas.flatMap(({ name, owner }, place) => [
    ...(schemas.findIndex((one) => one.name === name) < place
      ? [error(at(index, 'schemas', place, 'name'), `schema ${name} is named twice`)]
      : []),
    ...(/^pg_|^information_schema$/.test(name)
      ? [error(at(index, 'schemas', place, 'name'), `${name} belongs to PostgreSQL`)]
      : []),
    ...(owner ? unknownRole(roles, owner, at(index, 'schemas', place, 'owner'), 'owner ') : []),
  ]);
}

function privilegeProblems(list: readonly string[], kind: ObjectKind, { postgres }: Inventory, path: Path): Problem[] {
  const known = privilegesOf(kind, Number(postgres.version));
  return list.flatMap((one, place) => {
    const here = [...path, place];
    if (list.indexOf(one) < place) return [error(here, `${one} is named twice`)];
    if (one === 'all') return list.length > 1 ? [error(here, 'all stands alone: it is every privilege there is')] : [];
    if (known.includes(one) || (kind === 'database' && one === 'temp')) return [];
    return [
      error(here, `a ${kind} has no privilege ${one}: ${known.join(', ')}, or all${suggest(one.toLowerCase(), known)}`),
    ];
  });
}

function granteeProblems(roles: Roles, to: string | readonly string[], path: Path): Problem[] {
  return granteesOf(to).flatMap((role, place) => {
    const here = typeof to === 'string' ? path : [...path, place];
    if (granteesOf(to).indexOf(role) < place) return [error(here, `${role} is named twice`)];
    return role === 'public' ? [] : unknownRole(roles, role, here);
  });
}

/** Remembers what was granted, to find what is written twice. */
class Seen {
  private readonly seen = new Set<string>();

  twice(what: string, to: string | readonly string[], privileges: readonly string[], path: Path): Problem[] {
    return granteesOf(to).flatMap((role) =>
      privileges.flatMap((privilege) => {
        const key = `${what}\0${role}\0${privilege}`;
        if (this.seen.has(key)) return [error(path, `${privilege} on ${what} to ${role} is declared twice`)];
        this.seen.add(key);
        return [];
      }),
    );
  }
}

function grantProblems(inventory: Inventory, roles: Roles, database: Database, index: number): Problem[] {
  const seen = new Seen();
  return (database.grants ?? []).flatMap(({ on, privileges, to }, place) => {
    const path = at(index, 'grants', place);
    const target = parseTarget(on);
    if (!target) return [error([...path, 'on'], targetMistake(on))];
    const wrong = [
      ...privilegeProblems(privileges, target.kind, inventory, [...path, 'privileges']),
      ...granteeProblems(roles, to, [...path, 'to']),
    ];
    if (wrong.length > 0) return wrong;
    const publics = target.kind === 'database' || (target.kind === 'schema' && target.schema === 'public');
    if (database.public && publics && granteesOf(to).includes('public'))
      return [error([...path, 'to'], `public: ${database.public} says already what everybody may do there`)];
    const expanded = expandPrivileges(privileges, target.kind, Number(inventory.postgres.version));
    return seen.twice(targetText(target), to, expanded, path);
  });
}

function defaultProblems(inventory: Inventory, roles: Roles, database: Database, index: number): Problem[] {
  const seen = new Seen();
  return (database.default_privileges ?? []).flatMap((one, place) => {
    const path = at(index, 'default_privileges', place);
    const wrong = [
      ...unknownRole(roles, one.for, [...path, 'for']),
      ...privilegeProblems(one.privileges, kindOf(one.on), inventory, [...path, 'privileges']),
      ...granteeProblems(roles, one.to, [...path, 'to']),
    ];
    if (wrong.length > 0) return wrong;
    const expanded = expandPrivileges(one.privileges, kindOf(one.on), Number(inventory.postgres.version));
    return seen.twice(`new ${one.on} of ${one.for} in ${one.schema}`, one.to, expanded, path);
  });
}
