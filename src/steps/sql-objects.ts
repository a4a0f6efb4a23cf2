import { SETTINGS_S } from '../bounds/postgres.ts';
import { hasSocket, psql, type Server, sql } from '../programs/postgres.ts';
import type { RoleName } from '../roles.ts';
import type { Secret } from '../secret.ts';
import { print } from '../shell/quote.ts';
import { scramMatches, scramVerifier } from './scram.ts';
import { type Kind, type Step, step } from './step.ts';

export interface SqlWant {
  server: Server;
  users: { name: string; roles: string[]; connectionLimit: number; password: Secret }[];
  /** Accounts that Patroni made; only their passwords are kept as declared. */
  accounts: { name: string; password: Secret }[];
  /** Whether a pool looks up users and passwords. */
  pooled: boolean;
  databases: { name: string; owner: string }[];
}

/** PgBouncer's own role, and the schema of the function with which it looks up passwords. */
export const POOLER = 'pgbouncer';

/** Body of that function: no superuser and no replication account may log in through a pool (PgBouncer, "auth_query"). */
const LOOK_UP =
  'select rolname::text, case when rolvaliduntil < now() then null else rolpassword end from pg_catalog.pg_authid where rolname = $1 and rolcanlogin and not rolsuper and not rolreplication';

export interface SqlState {
  recovery: boolean;
  users: { name: string; login: boolean; limit: number; roles: string[]; verifier: string | null }[];
  databases: { name: string; owner: string }[];
  /** Body of the pool's function; null when it does not exist. */
  lookUp: string | null;
}

/** Quotes an identifier of SQL. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** Quotes a text of SQL (standard_conforming_strings). */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const QUERY = `select json_build_object('recovery', pg_is_in_recovery(),
'users', (select coalesce(json_agg(json_build_object('name', rolname, 'login', rolcanlogin, 'limit', rolconnlimit, 'verifier', rolpassword, 'roles', array(select g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = a.oid order by 1))), '[]') from pg_authid a where rolname !~ '^pg_'),
'lookUp', (select prosrc from pg_proc where pronamespace = to_regnamespace('${POOLER}') and proname = 'get_auth'),
'databases', (select json_agg(json_build_object('name', datname, 'owner', pg_get_userbyid(datdba))) from pg_database))`;

/** Login roles and databases of the cluster, read and made on the leader. Nothing is ever dropped. */
const sqlObjectsKind: Kind<SqlWant, SqlState | undefined> = {
  name: 'sql-objects',
  volatile: true,
  probe: (steps) =>
    steps
      .map(
        ({ want }) =>
          `if ${hasSocket(want.server)}; then timeout 10 ${sql(want.server, QUERY.replaceAll('\n', ' '))} 2>/dev/null; fi; echo`,
      )
      .join('\n'),
  parse(answer, steps) {
    const text = answer.split('\n').find((line) => line.startsWith('{'));
    return new Map(steps.map((one) => [one.id, text ? (JSON.parse(text) as SqlState) : undefined]));
  },
  diff({ want }, state) {
    if (!state)
      return {
        action: 'create',
        summary: [
          ...want.users.map((user) => `user ${user.name}`),
          ...want.databases.map((one) => `database ${one.name}`),
        ].join(', '),
        knownAfterApply: true,
      };
    const lines = statements(want, state);
    if (lines.length === 0) return undefined;
    return {
      action: lines.some(({ text }) => text.startsWith('create')) ? 'create' : 'update',
      summary: lines.map(({ text }) => text).join('; '),
    };
  },
  async change({ want }, state, remote) {
    if (!state) throw new Error('PostgreSQL does not answer on its socket');
    if (state.recovery) throw new Error('this member no longer leads; run again');
    for (const { statement } of statements(want, state))
      await remote.run(
        `${print(`set log_statement = 'none';\n${statement()};\n`)} | ${psql(want.server, 'postgres', '-f', '-')}`,
        SETTINGS_S,
      );
  },
};

/**
 * Returns the statements for the leader, each with a text for the operator. A statement is made only when it is sent: a
 * plan needs only the text, and deriving a password's verifier takes milliseconds.
 */
function statements(want: SqlWant, state: SqlState): { text: string; statement: () => string }[] {
  const list: { text: string; statement: () => string }[] = [];
  const say = (text: string, statement: () => string) => list.push({ text, statement });
  for (const user of want.users) {
    const there = state.users.find((one) => one.name === user.name);
    const verifier = () => literal(scramVerifier(user.password.reveal()));
    const name = identifier(user.name);
    if (!there)
      say(
        `create user ${user.name}`,
        () => `create role ${name} login connection limit ${user.connectionLimit} password ${verifier()}`,
      );
    else {
      if (!there.login) say(`let user ${user.name} log in`, () => `alter role ${name} login`);
      if (there.limit !== user.connectionLimit)
        say(
          `connection limit of ${user.name} ${there.limit} → ${user.connectionLimit}`,
          () => `alter role ${name} connection limit ${user.connectionLimit}`,
        );
      if (!there.verifier || !scramMatches(there.verifier, user.password.reveal()))
        say(`password of user ${user.name}`, () => `alter role ${name} password ${verifier()}`);
    }
    for (const role of user.roles)
      if (!there?.roles.includes(role))
        say(`grant ${role} to ${user.name}`, () => `grant ${identifier(role)} to ${name}`);
  }
  for (const account of want.accounts) {
    const there = state.users.find((one) => one.name === account.name);
    if (there && (!there.verifier || !scramMatches(there.verifier, account.password.reveal())))
      say(
        `password of account ${account.name}`,
        () => `alter role ${identifier(account.name)} password ${literal(scramVerifier(account.password.reveal()))}`,
      );
  }
  if (want.pooled) {
    const pooler = identifier(POOLER);
    if (!state.users.some((one) => one.name === POOLER))
      say(`create user ${POOLER}`, () => `create role ${pooler} login`);
    if (state.lookUp !== LOOK_UP)
      say(
        `function ${POOLER}.get_auth`,
        () =>
          `create schema if not exists ${pooler}; create or replace function ${pooler}.get_auth(name text) returns table(username text, password text) language sql stable security definer set search_path = '' as ${literal(LOOK_UP)}; revoke all on function ${pooler}.get_auth(text) from public; grant usage on schema ${pooler} to ${pooler}; grant execute on function ${pooler}.get_auth(text) to ${pooler}`,
      );
  }
  for (const database of want.databases) {
    const there = state.databases.find((one) => one.name === database.name);
    const name = identifier(database.name);
    if (!there)
      say(`create database ${database.name}`, () => `create database ${name} owner ${identifier(database.owner)}`);
    else if (there.owner !== database.owner)
      say(
        `owner of ${database.name} ${there.owner} → ${database.owner}`,
        () => `alter database ${name} owner to ${identifier(database.owner)}`,
      );
  }
  return list;
}

export const sqlObjects = (role: RoleName, want: SqlWant): Step =>
  step(sqlObjectsKind, role, 'users and databases', want);
