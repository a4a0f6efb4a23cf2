import { type Cluster, hostsWith } from '../inventory/model.ts';
import { isIPv6 } from '../inventory/network.ts';
import { PKI } from './observe.ts';

export type ConnectRole = 'primary' | 'replica' | 'any';

const bracket = (address: string) => (isIPv6(address) ? `[${address}]` : address);

/**
 * libpq URI (PostgreSQL documentation, 32.1.1) without password, for the first database and user: through the VIP, else
 * through the balancers, else straight to the members in libpq's multi-host form. `authority` is the client's file to verify the servers with. Undefined
 * without database or user.
 */
export function clientUri(cluster: Cluster, role: ConnectRole, authority: string = PKI.client): string | undefined {
  const { settings } = cluster;
  const database = settings.postgres.databases[0];
  const user = database?.owner ?? settings.postgres.users[0]?.name;
  if (!database || !user) return undefined;
  const balancers = hostsWith(cluster, 'haproxy');
  const balanced = cluster.vip !== undefined || balancers.length > 0;
  const port = balanced ? settings.haproxy.ports[role === 'primary' ? 'primary' : 'replica'] : settings.postgres.port;
  const addresses = cluster.vip
    ? [cluster.vip.address]
    : (balanced ? balancers : hostsWith(cluster, 'patroni')).map((host) => host.address);
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
    ...(balanced ? {} : { target_session_attrs: { primary: 'primary', replica: 'prefer-standby', any: 'any' }[role] }),
    ...(balanced || role === 'primary' ? {} : { load_balance_hosts: 'random' }),
  });
  return `postgresql://${user}@${addresses.map((address) => `${bracket(address)}:${port}`).join(',')}/${database.name}?${options.toString().replaceAll('%2F', '/')}`;
}
