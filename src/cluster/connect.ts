import { loginUsers, presentDatabases } from '../inventory/accounts.ts';
import { type Cluster, type Host, hostsWith, memberPort } from '../inventory/model.ts';
import { PKI } from '../paths.ts';
import type { ConnectRole } from './connect-choices.ts';
import { uri } from './connect-formats.ts';
import type { Connection } from './connection.ts';

/** What an application asks for; each is chosen from the inventory by default. */
export interface ConnectWish {
  database?: string | undefined;
  user?: string | undefined;
  /** The client's CA file. */
  authority?: string;
  /** Take the endpoints that the inventory gives for clients elsewhere. */
  outside?: boolean;
}

/**
 * Returns the database and user of a connection: the named ones, else the first database and its owner (of a group: its first
 * member that may log in). pg_hba.conf lets every user into every database, so any pair of the inventory is possible. Undefined
 * where the inventory has no database or no user.
 */
export function accountOf(
  { settings: { postgres } }: Cluster,
  wish: Pick<ConnectWish, 'database' | 'user'>,
): { database: string; user: string } | undefined {
  const databases = presentDatabases(postgres);
  const owned = wish.user === undefined ? undefined : databases.find(({ owner }) => owner === wish.user);
  const database = wish.database ?? (owned ?? databases[0])?.name;
  const owner = databases.find(({ name }) => name === database)?.owner;
  const user = wish.user ?? loginOf(postgres, owner);
  return database === undefined || user === undefined ? undefined : { database, user };
}

/** Where clients of a role connect: through the VIP, else through the balancers, else directly to the members. */
export function endpointsOf(
  cluster: Cluster,
  role: ConnectRole,
  outside: boolean,
): Pick<Connection, 'endpoints' | 'balanced'> {
  const { vip, settings } = cluster;
  const balancers = hostsWith(cluster, 'haproxy');
  const balanced = vip !== undefined || balancers.length > 0;
  const port = balanced ? settings.haproxy.ports[role === 'primary' ? 'primary' : 'replica'] : memberPort(cluster);
  const servers: readonly Host[] = balanced ? balancers : hostsWith(cluster, 'patroni');
  const endpoints = outside
    ? servers.flatMap((host) => (host.outside ? [host.outside] : []))
    : (vip ? [vip.address] : servers.map(({ address }) => address)).map((host) => ({ host, port }));
  return { endpoints, balanced };
}

/** Returns how a client connects; undefined without a database, a user or an endpoint. */
export function connectionOf(cluster: Cluster, role: ConnectRole, wish: ConnectWish = {}): Connection | undefined {
  const { authority = PKI.client, outside = false } = wish;
  const account = accountOf(cluster, wish);
  const { endpoints, balanced } = endpointsOf(cluster, role, outside);
  if (!account || endpoints.length === 0) return undefined;
  return {
    ...{ role, endpoints, balanced, ...account, authority, timing: cluster.timing.client },
    spread: !balanced && role !== 'primary' && Number(cluster.settings.postgres.version) >= 16,
  };
}

/** Returns a libpq URI without password; undefined as `connectionOf`. */
export function clientUri(cluster: Cluster, role: ConnectRole, wish: ConnectWish = {}): string | undefined {
  const connection = connectionOf(cluster, role, wish);
  return connection && uri(connection);
}

/** Returns the login that a client uses in a database of this owner: the owner, else its first member, else the first login. */
function loginOf(postgres: Cluster['settings']['postgres'], owner: string | undefined): string | undefined {
  const logins = loginUsers(postgres);
  const login =
    logins.find(({ name }) => name === owner) ??
    logins.find(({ roles }) => owner !== undefined && roles.includes(owner)) ??
    logins[0];
  return login?.name;
}
