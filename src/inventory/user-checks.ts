import { isLogin, presentUsers, type User } from './accounts.ts';
import { type Check, error, type Path, warning } from './check.ts';
import type { Inventory } from './schema.ts';
import { sessionSettings } from './session-settings.ts';
import { suggest } from './suggest.ts';
import type { Problem } from './yaml-text.ts';

/** Roles that come with PostgreSQL, in one of its supported versions (PostgreSQL, "Predefined Roles"). */
const PREDEFINED = [
  'pg_checkpoint',
  'pg_create_subscription',
  'pg_database_owner',
  'pg_execute_server_program',
  'pg_maintain',
  'pg_monitor',
  'pg_read_all_data',
  'pg_read_all_settings',
  'pg_read_all_stats',
  'pg_read_server_files',
  'pg_signal_autovacuum_worker',
  'pg_signal_backend',
  'pg_stat_scan_tables',
  'pg_use_reserved_connections',
  'pg_write_all_data',
  'pg_write_server_files',
];

/** Names that the cluster itself uses, and words that mean something else where a role is named. */
const RESERVED =
  /^(postgres|replicator|rewinder|pgbouncer|hapg_monitor|public|none|current_user|current_role|session_user)$|^pg_/;

const at = (index: number, ...more: Path): Path => ['postgres', 'users', index, ...more];

/** Checks the roles of an inventory. */
export const users: Check = (inventory) => {
  const { postgres } = inventory;
  const names = presentUsers(postgres).map(({ name }) => name);
  return postgres.users.flatMap((user, index) => [
    ...nameProblems(inventory, user, index),
    ...(user.ensure === 'absent'
      ? []
      : [
          ...groupProblems(user, index),
          ...membershipProblems(inventory, user, index, names),
          ...settingsProblems(inventory, user, index),
          ...(user.createrole && Number(postgres.version) < 16
            ? [
                warning(
                  at(index, 'createrole'),
                  `before PostgreSQL 16 a role with createrole may change every other role that is no superuser, its password too`,
                  true,
                ),
              ]
            : []),
        ]),
  ]);
};

function nameProblems({ postgres }: Inventory, { name }: User, index: number): Problem[] {
  return [
    ...(postgres.users.findIndex((one) => one.name === name) < index
      ? [error(at(index, 'name'), `user ${name} is named twice`)]
      : []),
    ...(RESERVED.test(name) ? [error(at(index, 'name'), `${name} is reserved for the cluster itself`)] : []),
  ];
}

/** A group has no password, so nothing can be said of one. */
function groupProblems(user: User, index: number): Problem[] {
  if (isLogin(user)) return [];
  return (['password', 'valid_until', 'connection_limit'] as const)
    .filter((key) => user[key] !== undefined)
    .map((key) => error(at(index, key), `${user.name} has login: false, so it has no ${LOST[key]}`, true));
}

const LOST = {
  password: 'password',
  valid_until: 'password that could end',
  connection_limit: 'connections that could be limited',
};

function membershipProblems({ postgres }: Inventory, user: User, index: number, names: readonly string[]): Problem[] {
  return user.roles.flatMap((role, place) => {
    const path = at(index, 'roles', place);
    if (user.roles.indexOf(role) < place) return [error(path, `${role} is named twice`)];
    if (role === user.name) return [error(path, `${role} cannot be a member of itself`)];
    if (postgres.users.some((one) => one.name === role && one.ensure === 'absent'))
      return [error(path, `${role} is to be absent`)];
    // Of a circle only the membership that leads back is told.
    const back = postgres.users.findIndex((one) => one.name === role) < index;
    if (names.includes(role))
      return back && reaches(postgres, role, user.name)
        ? [error(path, `${role} is itself a member of ${user.name}: memberships must not go in a circle`)]
        : [];
    if (PREDEFINED.includes(role)) return [];
    const known = role.startsWith('pg_') ? PREDEFINED : names;
    const near = suggest(role, known);
    if (role.startsWith('pg_')) return [error(path, `PostgreSQL has no role ${role}${near}`)];
    return near
      ? [error(path, `${role} is not among postgres.users${near}`)]
      : [
          warning(
            path,
            `${role} is not among postgres.users and must exist already: declare it there, a group with login: false`,
          ),
        ];
  });
}

/** Whether a role is a member of another one, directly or through others. */
function reaches({ users: all }: Inventory['postgres'], from: string, to: string, seen = new Set<string>()): boolean {
  if (seen.has(from)) return false;
  seen.add(from);
  const roles = all.find((one) => one.name === from)?.roles ?? [];
  return roles.includes(to) || roles.some((role) => reaches({ users: all } as Inventory['postgres'], role, to, seen));
}

function settingsProblems(inventory: Inventory, user: User, index: number): Problem[] {
  const { role, ...others } = user.settings ?? {};
  const path = at(index, 'settings');
  return [
    ...(role !== undefined && !user.roles.includes(String(role))
      ? [error([...path, 'role'], `${user.name} is no member of ${role}${suggest(String(role), user.roles)}`)]
      : []),
    ...sessionSettings(others, path, inventory),
  ];
}
