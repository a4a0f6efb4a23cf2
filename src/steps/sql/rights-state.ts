import type { Place, RightsWant } from './rights.ts';
import { array, literal } from './text.ts';

/** Words of aclexplode() for a kind, as this query's CASE has them. */
const rights = (acl: string): string =>
  `(select coalesce(json_agg(json_build_array(case e.grantee when 0 then 'public' else pg_get_userbyid(e.grantee) end, lower(e.privilege_type), pg_get_userbyid(e.grantor)) order by e.grantee, e.privilege_type, e.grantor), '[]') from aclexplode(${acl}) e)`;

/** Members of extensions come with their extension, also their rights. */
const noMember = (catalog: string, oid: string): string =>
  `not exists (select from pg_depend x where x.classid = '${catalog}'::regclass and x.objid = ${oid} and x.deptype = 'e')`;

/** SQL condition for objects that declared rights are about: of a schema, or one by its name. */
const among = (places: readonly Place[], schema: string, name: string): string => {
  const whole = places.filter((one) => one.name === null).map((one) => one.schema!);
  const single = places.filter((one) => one.name !== null);
  const named = single.map((one) => `(${schema} = ${literal(one.schema!)} and ${name} = ${literal(one.name!)})`);
  return `(${[`${schema} = any(${array(whole)})`, ...named].join(' or ')})`;
};

/** The query for one database; it asks only about objects that are declared, and its answer is one line. */
export function rightsQuery({ schemas, grants, defaults, public: everybody }: RightsWant): string {
  const named = [
    ...schemas.map(({ name }) => name),
    ...grants.flatMap(({ schema }) => schema ?? []),
    ...defaults.map(({ schema }) => schema),
    ...(everybody ? ['public'] : []),
  ];
  const of = (kind: Place['kind']) => grants.filter((one) => one.kind === kind);
  const relations = `select case c.relkind when 'S' then 'sequence' else 'table' end as kind, n.nspname, c.relowner as owner, coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as acl, quote_ident(c.relname) as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${noMember('pg_class', 'c.oid')} and ((c.relkind in ('r', 'p', 'v', 'm', 'f') and ${among(of('table'), 'n.nspname', 'c.relname')}) or (c.relkind = 'S' and ${among(of('sequence'), 'n.nspname', 'c.relname')}))`;
  const functions = `select 'function', n.nspname, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)), quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')'
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${noMember('pg_proc', 'p.oid')} and ${among(of('function'), 'n.nspname', 'p.proname')}`;
  return `select json_build_object('recovery', pg_is_in_recovery(),
'database', (select json_build_object('owner', pg_get_userbyid(datdba), 'rights', ${rights("coalesce(datacl, acldefault('d', datdba))")}) from pg_database where datname = current_database()),
'schemas', (select coalesce(json_agg(json_build_object('name', nspname, 'owner', pg_get_userbyid(nspowner), 'rights', ${rights("coalesce(nspacl, acldefault('n', nspowner))")}) order by nspname), '[]') from pg_namespace where nspname = any(${array(named)})),
'objects', (select coalesce(json_agg(json_build_object('kind', kind, 'schema', nspname, 'owner', pg_get_userbyid(owner), 'rights', ${rights('acl::aclitem[]')}, 'names', names) order by kind, nspname, names[1]), '[]') from (select kind, nspname, owner, acl::text as acl, array_agg(name order by name) as names from (${relations} union all ${functions}) o group by kind, nspname, owner, acl::text) g),
'defaults', (select coalesce(json_agg(json_build_object('for', pg_get_userbyid(defaclrole), 'schema', nspname, 'kind', case defaclobjtype when 'r' then 'table' when 'S' then 'sequence' else 'function' end, 'rights', ${rights('defaclacl')}) order by defaclrole, nspname, defaclobjtype), '[]') from pg_default_acl join pg_namespace n on n.oid = defaclnamespace where defaclobjtype in ('r', 'S', 'f') and nspname = any(${array(defaults.map(({ schema }) => schema))})))`;
}
