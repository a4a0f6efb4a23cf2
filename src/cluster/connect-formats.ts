import { stringify } from 'yaml';
import { hostPort } from '../inventory/network.ts';
import { quote } from '../shell/quote.ts';
import type { ConnectFormat } from './connect-choices.ts';
import type { Connection } from './connection.ts';

/** libpq's `target_session_attrs` and pgjdbc's `targetServerType` by role, where no balancer chooses the member. */
const SESSION = { primary: 'primary', replica: 'standby', any: 'prefer-standby' } as const;
const SERVER = { primary: 'primary', replica: 'secondary', any: 'preferSecondary' } as const;

/** Writes parameters of a URL. libpq decodes %XX alone, so a blank is not `+`; slashes stay, for people. */
const query = (parameters: Record<string, string>): string =>
  new URLSearchParams(parameters).toString().replaceAll('+', '%20').replaceAll('%2F', '/');

const places = ({ endpoints }: Connection): string => endpoints.map(({ host, port }) => hostPort(host, port)).join(',');

/** libpq's options apart from address and account (PostgreSQL, "Parameter Key Words"). */
function libpqOptions({ authority, timing, balanced, role, spread }: Connection): Record<string, string> {
  return {
    sslmode: 'verify-full',
    sslrootcert: authority,
    connect_timeout: String(timing.connect_timeout),
    keepalives: '1',
    keepalives_idle: String(timing.keepalives_idle),
    keepalives_interval: String(timing.keepalives_interval),
    keepalives_count: String(timing.keepalives_count),
    tcp_user_timeout: String(timing.tcp_user_timeout),
    ...(balanced ? {} : { target_session_attrs: SESSION[role] }),
    // libpq 16 and newer know it; an older one refuses an unknown option.
    ...(spread ? { load_balance_hosts: 'random' } : {}),
  };
}

/** Returns a libpq URI (PostgreSQL, "Connection URIs"). */
export function uri(to: Connection, password?: string): string {
  const account = password === undefined ? to.user : `${to.user}:${encodeURIComponent(password)}`;
  return `postgresql://${account}@${places(to)}/${to.database}?${query(libpqOptions(to))}`;
}

/** Returns a URL for pgjdbc ("Initializing the Driver"), which reads the PEM file and knows one switch for keepalives. */
const jdbc = (to: Connection, password?: string): string =>
  `jdbc:postgresql://${places(to)}/${to.database}?${query({
    user: to.user,
    ...(password === undefined ? {} : { password }),
    sslmode: 'verify-full',
    sslrootcert: to.authority,
    connectTimeout: String(to.timing.connect_timeout),
    tcpKeepAlive: 'true',
    targetServerType: to.balanced ? 'any' : SERVER[to.role],
    ...(!to.balanced && to.role !== 'primary' ? { loadBalanceHosts: 'true' } : {}),
  })}`;

/** Hosts and ports in libpq's form for keywords: two lists of the same length. */
const hostsAndPorts = ({ endpoints }: Connection): { host: string; port: string } => ({
  host: endpoints.map(({ host }) => host).join(','),
  port: endpoints.map(({ port }) => port).join(','),
});

/** Returns libpq's environment variables as lines for sh. libpq has none for keepalives. */
function env(to: Connection, password?: string): string {
  const { host, port } = hostsAndPorts(to);
  const variables: Record<string, string> = {
    PGHOST: host,
    PGPORT: port,
    PGDATABASE: to.database,
    PGUSER: to.user,
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: to.authority,
    PGCONNECT_TIMEOUT: String(to.timing.connect_timeout),
    // Named behind a balancer too, so that another value of the environment does not count.
    PGTARGETSESSIONATTRS: to.balanced ? 'any' : SESSION[to.role],
    ...(to.spread ? { PGLOADBALANCEHOSTS: 'random' } : {}),
  };
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join('\n');
}

/** Escapes a field of a password file (PostgreSQL, "The Password File"). */
const field = (text: string): string => text.replaceAll(/[\\:]/g, '\\$&');

/** Returns the lines of a password file, one for each endpoint. */
const pgpass = (to: Connection, password = ''): string[] =>
  to.endpoints.map(({ host, port }) => [host, String(port), to.database, to.user, password].map(field).join(':'));

/** Returns a section of pg_service.conf (PostgreSQL, "The Connection Service File"); values are not quoted there. */
function service(to: Connection, name: string, password?: string): string {
  const settings = {
    ...hostsAndPorts(to),
    dbname: to.database,
    user: to.user,
    ...(password === undefined ? {} : { password }),
    ...libpqOptions(to),
  };
  return [`[${name}]`, ...Object.entries(settings).map(([key, value]) => `${key}=${value}`)].join('\n');
}

/** Returns a Secret for Kubernetes; its keys are those that operators of PostgreSQL there use. */
function k8sSecret(to: Connection, name: string, ca: string, password?: string): string {
  const { host, port } = hostsAndPorts(to);
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      type: 'Opaque',
      stringData: {
        host,
        port,
        dbname: to.database,
        user: to.user,
        ...(password === undefined ? {} : { password }),
        uri: uri(to, password),
        'jdbc-uri': jdbc(to, password),
        'ca.crt': ca,
      },
    },
    { lineWidth: 0 },
  ).trimEnd();
}

/** What a format is written from, besides the connections. */
export interface FormatInput {
  /** The name of the cluster, which names sections and manifests. */
  cluster: string;
  /** Only with --with-password. */
  password?: string | undefined;
  /** The CA certificates (PEM), for formats that carry them. */
  ca: string;
}

/**
 * Writes connections in a format. `uri` and `jdbc` have a line for each, `service` a section, `pgpass` a line for each
 * endpoint; `env` and `k8s-secret` hold one connection, which is the first.
 */
export function writeConnections(
  format: ConnectFormat,
  connections: readonly [Connection, ...Connection[]],
  { cluster, password, ca }: FormatInput,
): string {
  const [first] = connections;
  const nameOf = ({ role }: Connection) => (role === 'primary' ? cluster : `${cluster}-${role}`);
  switch (format) {
    case 'uri':
      return connections.map((one) => uri(one, password)).join('\n');
    case 'jdbc':
      return connections.map((one) => jdbc(one, password)).join('\n');
    case 'env':
      return env(first, password);
    case 'pgpass':
      return [...new Set(connections.flatMap((one) => pgpass(one, password)))].join('\n');
    case 'service':
      return connections.map((one) => service(one, nameOf(one), password)).join('\n\n');
    case 'k8s-secret':
      return k8sSecret(first, `${nameOf(first)}-${first.user.replaceAll('_', '-')}`, ca, password);
  }
}
