import type { Attribute } from '../../inventory/users-schema.ts';
import { POOLER } from './want.ts';

/** A role as it is. */
export interface RoleState {
  name: string;
  login: boolean;
  superuser: boolean;
  limit: number;
  attributes: Record<Attribute, boolean>;
  /** When the password ends, in UTC; null: never. */
  until: string | null;
  /** Whether that is over. */
  ended: boolean;
  verifier: string | null;
  /** The roles that it is a member of, each with who granted that; `inherit` is a property of the role before PostgreSQL 16. */
  roles: { role: string; by: string; inherit: boolean | null }[];
  /** Settings of its sessions in any database, as `name=value`. */
  settings: string[];
}

/** A database as it is. */
export interface DatabaseState {
  name: string;
  owner: string;
  limit: number;
  settings: string[];
}

/** Users and databases as they are. */
export interface SqlState {
  recovery: boolean;
  users: RoleState[];
  databases: DatabaseState[];
  /** Body of the pool's function; null when it does not exist. */
  lookUp: string | null;
}

const settings = (database: string, role: string): string =>
  `(select coalesce(json_agg(c), '[]') from pg_db_role_setting s, unnest(s.setconfig) c where s.setdatabase = ${database} and s.setrole = ${role})`;

/** SQL condition for a membership that gives rights: from PostgreSQL 16 on it may only allow to administer the role. */
const IN_EFFECT =
  "(coalesce((to_jsonb(m) ->> 'set_option')::bool, true) or coalesce((to_jsonb(m) ->> 'inherit_option')::bool, true))";

/** The query for roles and databases; it runs in the database postgres, and its answer is one line. */
export const QUERY = `select json_build_object('recovery', pg_is_in_recovery(),
'users', (select coalesce(json_agg(json_build_object('name', rolname, 'login', rolcanlogin, 'superuser', rolsuper, 'limit', rolconnlimit, 'verifier', rolpassword,
'attributes', json_build_object('createdb', rolcreatedb, 'createrole', rolcreaterole, 'replication', rolreplication, 'bypassrls', rolbypassrls, 'inherit', rolinherit),
'until', case when isfinite(rolvaliduntil) then to_char(rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end, 'ended', coalesce(rolvaliduntil <= now(), false),
'settings', ${settings('0', 'a.oid')},
'roles', (select coalesce(json_agg(json_build_object('role', g.rolname, 'by', pg_get_userbyid(m.grantor), 'inherit', (to_jsonb(m) ->> 'inherit_option')::bool) order by g.rolname), '[]') from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = a.oid and ${IN_EFFECT})) order by rolname), '[]') from pg_authid a where rolname !~ '^pg_'),
'lookUp', (select prosrc from pg_proc where pronamespace = to_regnamespace('${POOLER}') and proname = 'get_auth'),
'databases', (select json_agg(json_build_object('name', datname, 'owner', pg_get_userbyid(datdba), 'limit', datconnlimit, 'settings', ${settings('d.oid', '0')}) order by datname) from pg_database d))`;
