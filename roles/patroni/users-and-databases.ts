import { isLogin, presentDatabases, presentUsers } from '../../src/inventory/accounts.ts';
import { MONITOR } from '../../src/inventory/exporters.ts';
import { expandPrivileges, granteesOf, kindOf, parseTarget } from '../../src/inventory/grants.ts';
import { type Cluster, isPooled, monitored, serverOf } from '../../src/inventory/model.ts';
import { validUntil } from '../../src/inventory/users-schema.ts';
import type { Context } from '../../src/playbook.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { hasRights, type RightsWant } from '../../src/steps/sql/rights.ts';
import { POOLER, type RoleWant, type SqlWant } from '../../src/steps/sql/want.ts';
import { sqlObjects } from '../../src/steps/sql-objects.ts';
import { sqlRemovals } from '../../src/steps/sql-removals.ts';
import { sqlPrune, sqlRights } from '../../src/steps/sql-rights.ts';
import type { Step } from '../../src/steps/step.ts';
import { REPLICATION_USER, REWIND_USER, SUPERUSER } from './hba.ts';

const role = 'patroni';

/** Roles that the cluster itself needs: nothing of theirs is declared, and nothing is taken away. */
const OWN_ROLES = [SUPERUSER, REPLICATION_USER, REWIND_USER, POOLER, MONITOR];

/**
 * Steps that need a leader: what is to be gone, then users and databases. A standby cluster has those of its upstream.
 */
export function patroniCluster({ cluster, secrets, prune = false }: Context): Step[] {
  if (cluster.upstream) return [];
  const want = sqlWant(cluster, secrets);
  const { users, databases } = cluster.settings.postgres;
  const names = (list: readonly { name: string; ensure?: string | undefined }[]) =>
    list.filter(({ ensure }) => ensure === 'absent').map(({ name }) => name);
  const absent = { users: names(users), databases: names(databases) };
  const removes = prune || absent.users.length > 0 || absent.databases.length > 0;
  return [
    ...(prune ? rightsWants(cluster).map((one) => sqlPrune(role, one)) : []),
    ...(removes ? [sqlRemovals(role, { ...want, absent, prune, protected: OWN_ROLES })] : []),
    sqlObjects(role, want),
  ];
}

/** Steps for schemas and rights; the databases exist by then. */
export const patroniRights = ({ cluster }: Context): Step[] =>
  cluster.upstream ? [] : rightsWants(cluster).map((want) => sqlRights(role, want));

const texts = (settings: Readonly<Record<string, string | number | boolean>> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(settings ?? {}).map(([name, value]) => [name, String(value)]));

const sqlWant = (cluster: Cluster, secrets: SecretStore): SqlWant => ({
  server: serverOf(cluster),
  users: presentUsers(cluster.settings.postgres).map(
    (user): RoleWant => ({
      name: user.name,
      password: isLogin(user) ? secrets.userPassword(user.name) : undefined,
      roles: user.roles,
      connectionLimit: user.connection_limit ?? -1,
      attributes: {
        createdb: user.createdb ?? false,
        createrole: user.createrole ?? false,
        replication: user.replication ?? false,
        bypassrls: user.bypassrls ?? false,
        inherit: user.inherit ?? true,
      },
      validUntil: validUntil(user.valid_until ?? 'infinity') ?? null,
      settings: texts(user.settings),
    }),
  ),
  accounts: [
    { name: SUPERUSER, password: secrets.password('superuser') },
    { name: REPLICATION_USER, password: secrets.password('replication') },
    { name: REWIND_USER, password: secrets.password('rewind') },
  ],
  pooled: isPooled(cluster),
  monitored: monitored(cluster),
  databases: presentDatabases(cluster.settings.postgres).map(({ name, owner, connection_limit, settings }) => ({
    name,
    owner: owner ?? SUPERUSER,
    connectionLimit: connection_limit ?? -1,
    settings: texts(settings),
  })),
});

/** What is declared within each database; databases with nothing declared are left out, so nothing runs in them. */
export function rightsWants(cluster: Cluster): RightsWant[] {
  const { postgres } = cluster.settings;
  const major = Number(postgres.version);
  return presentDatabases(postgres)
    .map((database): RightsWant => {
      const owner = database.owner ?? SUPERUSER;
      return {
        server: serverOf(cluster),
        database: database.name,
        schemas: (database.schemas ?? []).map((one) => ({ name: one.name, owner: one.owner ?? owner })),
        public: database.public,
        grants: (database.grants ?? []).flatMap(({ on, privileges, to }) => {
          // The checks of the inventory have accepted it.
          const target = parseTarget(on)!;
          const place = {
            kind: target.kind,
            schema: 'schema' in target ? target.schema : null,
            name: 'name' in target ? (target.name ?? null) : null,
          };
          return granteesOf(to).map((one) => ({
            ...place,
            privileges: expandPrivileges(privileges, target.kind, major),
            to: one,
          }));
        }),
        defaults: (database.default_privileges ?? []).flatMap((one) =>
          granteesOf(one.to).map((to) => ({
            for: one.for,
            schema: one.schema,
            kind: kindOf(one.on),
            privileges: expandPrivileges(one.privileges, kindOf(one.on), major),
            to,
          })),
        ),
        protected: OWN_ROLES,
      };
    })
    .filter(hasRights);
}
