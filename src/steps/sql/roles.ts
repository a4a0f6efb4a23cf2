import { ATTRIBUTES } from '../../inventory/users-schema.ts';
import { scramMatches, scramVerifier } from '../scram.ts';
import { settingStatements } from './settings.ts';
import type { RoleState } from './state.ts';
import { identifier, literal, type Statement } from './text.ts';
import type { RoleWant } from './want.ts';

/** Words of ALTER ROLE for attributes that are on or off: createdb, nocreatedb. */
const attribute = (name: string, on: boolean): string => `${on ? '' : 'no'}${name}`;
const until = (moment: string | null): string => `valid until ${literal(moment ?? 'infinity')}`;

/**
 * Returns the statements that make the roles as declared: all are created before one becomes a member of another. A
 * verifier is derived only when a statement is sent: that takes milliseconds.
 */
export function roleStatements(want: readonly RoleWant[], state: readonly RoleState[]): Statement[] {
  const of = (name: string) => state.find((one) => one.name === name);
  return [
    ...want.flatMap((role) => {
      const there = of(role.name);
      return there ? alterations(role, there) : [creation(role)];
    }),
    ...want.flatMap((role) => memberships(role, of(role.name))),
    ...want.flatMap((role) =>
      settingStatements(`role ${identifier(role.name)}`, role.name, role.settings, of(role.name)?.settings ?? []),
    ),
  ];
}

const verifierOf = ({ password }: RoleWant): string => literal(scramVerifier(password!.reveal()));

function creation(role: RoleWant): Statement {
  const { name, password, connectionLimit, attributes, validUntil } = role;
  const words = ATTRIBUTES.map((one) => attribute(one, attributes[one])).join(' ');
  const login = () =>
    password
      ? `login connection limit ${connectionLimit} ${validUntil === null ? '' : `${until(validUntil)} `}password ${verifierOf(role)}`
      : 'nologin';
  return {
    text: `create ${password ? 'user' : 'group'} ${name}`,
    statement: () => `create role ${identifier(name)} ${words} ${login()}`,
  };
}

function alterations(role: RoleWant, there: RoleState): Statement[] {
  const { name, password, connectionLimit, attributes, validUntil } = role;
  const alter = (text: string, change: () => string): Statement => ({
    text,
    statement: () => `alter role ${identifier(name)} ${change()}`,
  });
  const changed = ATTRIBUTES.filter((one) => attributes[one] !== there.attributes[one]);
  return [
    ...changed.map((one) =>
      alter(`${name} is ${attribute(one, attributes[one])}`, () => attribute(one, attributes[one])),
    ),
    ...(password
      ? []
      : there.login || there.verifier
        ? [alter(`${name} no longer logs in`, () => 'nologin password null')]
        : []),
    ...(password && !there.login ? [alter(`let user ${name} log in`, () => 'login')] : []),
    ...(password && there.limit !== connectionLimit
      ? [
          alter(
            `connection limit of ${name} ${there.limit} → ${connectionLimit}`,
            () => `connection limit ${connectionLimit}`,
          ),
        ]
      : []),
    ...(password && there.until !== validUntil
      ? [
          alter(`password of ${name} valid until ${there.until ?? 'infinity'} → ${validUntil ?? 'infinity'}`, () =>
            until(validUntil),
          ),
        ]
      : []),
    ...(password && !(there.verifier && scramMatches(there.verifier, password.reveal()))
      ? [alter(`password of user ${name}`, () => `password ${verifierOf(role)}`)]
      : []),
  ];
}

const memberships = ({ name, roles, attributes: { inherit } }: RoleWant, there: RoleState | undefined): Statement[] =>
  roles.flatMap((role) => {
    const rows = there?.roles.filter((one) => one.role === role) ?? [];
    const grant = `grant ${identifier(role)} to ${identifier(name)}`;
    if (rows.length === 0) return [{ text: `grant ${role} to ${name}`, statement: () => grant }];
    // From PostgreSQL 16 on each membership has kept what the role was when it was granted.
    return otherwise(rows, inherit).map(({ by }) => ({
      text: `${name} ${inherit ? 'inherits' : 'does not inherit'} the rights of ${role}`,
      statement: () => `${grant} with inherit ${inherit} granted by ${identifier(by)}`,
    }));
  });

/** The memberships in one role that have to change: one of several is enough to inherit its rights. */
const otherwise = (rows: RoleState['roles'], inherit: boolean): RoleState['roles'] =>
  inherit
    ? rows.some((one) => one.inherit !== false)
      ? []
      : rows.slice(0, 1)
    : rows.filter((one) => one.inherit === true);

/** Returns the memberships of a role that are there and not declared. */
export const undeclaredMemberships = ({ roles }: Pick<RoleWant, 'roles'>, there: RoleState): RoleState['roles'] =>
  there.roles.filter(({ role }) => !roles.includes(role));
