import { loginUsers, presentDatabases } from '../inventory/accounts.ts';
import { type Cluster, hostsWith, memberPort } from '../inventory/model.ts';
import { hostPort } from '../inventory/network.ts';
import { PKI } from '../paths.ts';

export type ConnectRole = 'primary' | 'replica' | 'any';

/**
 * Returns a libpq URI (PostgreSQL documentation, 32.1.1) without password, for the first database and its owner (of a group:
 * its first member that may log in): through the
 * VIP, else through the balancers, else directly to the members in libpq's multi-host form. `authority` is the client's
 * CA file. `outside` takes the endpoints that the inventory gives for clients elsewhere. Undefined without database or
 * user, or without such an endpoint.
 */
export function clientUri(
  cluster: Cluster,
  role: ConnectRole,
  { authority = PKI.client, outside = false }: { authority?: string; outside?: boolean } = {},
): string | undefined {
  const { settings } = cluster;
  const database = presentDatabases(settings.postgres)[0];
  const user = database && loginOf(settings.postgres, database.owner);
  if (!database || !user) return undefined;
  const balancers = hostsWith(cluster, 'haproxy');
  const balanced = cluster.vip !== undefined || balancers.length > 0;
  const port = balanced ? settings.haproxy.ports[role === 'primary' ? 'primary' : 'replica'] : memberPort(cluster);
  const servers = balanced ? balancers : hostsWith(cluster, 'patroni');
  const endpoints = outside
    ? servers.flatMap((host) => (host.outside ? [host.outside] : []))
    : (cluster.vip ? [cluster.vip.address] : servers.map(({ address }) => address)).map((host) => ({ host, port }));
  if (endpoints.length === 0) return undefined;
  const { client } = cluster.timing;
  const options = new URLSearchParams({
    sslmode: 'verify-full',
    sslrootcert: authority,
    connect_timeout: String(client.connect_timeout),
    keepalives: '1',
    keepalives_idle: String(client.keepalives_idle),
    keepalives_interval: String(client.keepalives_interval),
    keepalives_count: String(client.keepalives_count),
    tcp_user_timeout: String(client.tcp_user_timeout),
    ...(balanced
      ? {}
      : { target_session_attrs: { primary: 'primary', replica: 'standby', any: 'prefer-standby' }[role] }),
    // libpq 16 and newer know it; an older one refuses an unknown option.
    ...(balanced || role === 'primary' || Number(settings.postgres.version) < 16
      ? {}
      : { load_balance_hosts: 'random' }),
  });
  return `postgresql://${user}@${endpoints.map(({ host, port }) => hostPort(host, port)).join(',')}/${database.name}?${options.toString().replaceAll('%2F', '/')}`;
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
