import { undeclaredMemberships } from './roles.ts';
import { resetStatement, undeclaredSettings } from './settings.ts';
import type { SqlState } from './state.ts';
import { array, identifier, type Statement } from './text.ts';
import type { SqlWant } from './want.ts';

/** What is to be gone. */
export interface RemovalsWant extends SqlWant {
  /** Users and databases with `ensure: absent`. */
  absent: { users: readonly string[]; databases: readonly string[] };
  /** Whether everything that is not declared is taken away; databases only where they are declared absent. */
  prune: boolean;
  /** Roles that belong to the cluster itself; those of PostgreSQL begin with pg_. */
  protected: readonly string[];
}

/** A role that may go, with what holds it. */
export interface Candidate {
  name: string;
  superuser: boolean;
  sessions: number;
  /** By database; null: what all databases share, by names. */
  holds: { database: string | null; owned: number; granted: number; names: string[] }[];
}

export interface RemovalsState {
  candidates: Candidate[];
  /** Sessions of databases that are to be gone; a database that is gone already is missing. */
  databases: { name: string; sessions: number }[];
}

/** Declared roles, those that a declaration makes them members of, and the cluster's own. */
const kept = ({ users, protected: own }: RemovalsWant): string[] => [
  ...new Set([...users.flatMap(({ name, roles }) => [name, ...roles]), ...own]),
];

/** The query for what may go and what holds it; it runs in the database postgres, and its answer is one line. */
export function removalsQuery(want: RemovalsWant): string {
  const { absent, prune } = want;
  const which = prune
    ? `rolname <> all(${array(kept(want))}) and rolname !~ '^pg_'`
    : `rolname = any(${array(absent.users)})`;
  // A role's entries of default privileges count as its own, but go with it.
  return `select json_build_object('candidates', (select coalesce(json_agg(json_build_object('name', rolname, 'superuser', rolsuper,
'sessions', (select count(*) from pg_stat_activity s where s.usesysid = r.oid),
'holds', (select coalesce(json_agg(to_json(h) order by h.database nulls first), '[]') from (select d.datname as database, count(*) filter (where deptype = 'o' and classid <> 'pg_default_acl'::regclass) as owned, count(*) filter (where deptype <> 'o' or classid = 'pg_default_acl'::regclass) as granted,
coalesce(array_agg(case classid when 'pg_database'::regclass then 'database ' || (select datname from pg_database o where o.oid = objid) when 'pg_tablespace'::regclass then 'tablespace ' || (select spcname from pg_tablespace o where o.oid = objid) end) filter (where dbid = 0 and deptype = 'o'), '{}') as names
from pg_shdepend left join pg_database d on d.oid = dbid where refclassid = 'pg_authid'::regclass and refobjid = r.oid group by d.datname) h)) order by rolname), '[]') from pg_roles r where ${which}),
'databases', (select coalesce(json_agg(json_build_object('name', datname, 'sessions', (select count(*) from pg_stat_activity s where s.datid = d.oid)) order by datname), '[]') from pg_database d where datname = any(${array(absent.databases)})))`;
}

/** A statement with the database in which it runs. */
export type Placed = Statement & { database: string };

const inShared = (statement: Statement): Placed => ({ ...statement, database: 'postgres' });

/** What is taken away, in order, and what stays although it is to be gone. */
export interface Removals {
  statements: Placed[];
  stays: string[];
  /** Databases that are dropped with their data. */
  lost: string[];
}

/** Works out what is taken away. Nothing is dropped that somebody uses, and no object goes with its owner. */
export function removals(want: RemovalsWant, shared: SqlState, state: RemovalsState): Removals {
  const dropping = want.prune ? state.databases.filter(({ sessions }) => sessions === 0) : [];
  const roles = state.candidates.map((one) => ({ one, hindrance: hindranceOf(one, want) }));
  const gone = roles.filter(({ hindrance }) => hindrance === undefined).map(({ one }) => one);
  return {
    statements: [
      ...(want.prune ? beyond(want, shared) : []),
      ...dropping.map(({ name }) =>
        inShared({
          text: `drop database ${name} with its data`,
          statement: () => `drop database ${identifier(name)}`,
        }),
      ),
      ...gone.flatMap(dropStatements),
    ],
    stays: [
      ...state.databases
        .filter(({ name }) => !dropping.some((one) => one.name === name))
        .map(({ name, sessions }) =>
          want.prune
            ? `database ${name} stays: it has ${sessions} session${sessions === 1 ? '' : 's'}. End them and apply again`
            : `database ${name} is declared absent and stays: only "hapg apply --prune" drops a database`,
        ),
      ...roles.flatMap(({ one, hindrance }) =>
        hindrance === undefined ? [] : [`role ${one.name} stays: ${hindrance}`],
      ),
    ],
    lost: dropping.map(({ name }) => name),
  };
}

/** Returns why a role cannot be dropped, with the cure; undefined where it can. */
function hindranceOf({ superuser, sessions, holds }: Candidate, want: RemovalsWant): string | undefined {
  if (superuser) return 'it is a superuser. Drop it by hand';
  const owned = holds.flatMap(({ database, owned: count, names }) =>
    count === 0 ? [] : database === null ? names : [`${count} object${count === 1 ? '' : 's'} in ${database}`],
  );
  if (owned.length > 0) return `it owns ${owned.join(', ')}. Give them to another role (REASSIGN OWNED) first`;
  if (sessions > 0) return `it has ${sessions} session${sessions === 1 ? '' : 's'}. End them and apply again`;
  // hapg runs nothing in databases of others.
  const ours = ['postgres', ...want.databases.map(({ name }) => name)];
  const elsewhere = holds.flatMap(({ database }) => (database !== null && !ours.includes(database) ? [database] : []));
  return elsewhere.length > 0
    ? `it has rights in ${elsewhere.join(', ')}, which the inventory does not have. Take them away there (DROP OWNED) first`
    : undefined;
}

/**
 * Returns the statements that drop a role. DROP OWNED takes its rights away and would drop its objects; what it has
 * got since it was looked at is given to the superuser before.
 */
function dropStatements({ name, holds }: Candidate): Placed[] {
  const role = identifier(name);
  const places = new Set(['postgres', ...holds.flatMap(({ database }) => database ?? [])]);
  return [
    ...(holds.length > 0 ? [...places] : []).map((database) => ({
      database,
      text: `revoke every right of ${name} in ${database}`,
      statement: () => `begin; reassign owned by ${role} to current_user; drop owned by ${role}; commit`,
    })),
    inShared({ text: `drop role ${name}`, statement: () => `drop role ${role}` }),
  ];
}

/** What declared roles and databases have beyond what is declared. */
const beyond = (want: RemovalsWant, { users, databases }: SqlState): Placed[] =>
  [
    ...want.users.flatMap((user): Statement[] => {
      const there = users.find((one) => one.name === user.name);
      if (!there) return [];
      const of = `role ${identifier(user.name)}`;
      return [
        ...undeclaredMemberships(user, there).map(({ role, by }) => ({
          text: `revoke ${role} from ${user.name}`,
          statement: () => `revoke ${identifier(role)} from ${identifier(user.name)} granted by ${identifier(by)}`,
        })),
        ...undeclaredSettings(user.settings, there.settings).map((name) => resetStatement(of, user.name, name)),
      ];
    }),
    ...want.databases.flatMap((database) => {
      const there = databases.find((one) => one.name === database.name);
      const of = `database ${identifier(database.name)}`;
      return undeclaredSettings(database.settings, there?.settings ?? []).map((name) =>
        resetStatement(of, `database ${database.name}`, name),
      );
    }),
  ].map(inShared);
