import { resolve } from 'node:path';
import { connectionOf } from '../cluster/connect.ts';
import { CONNECT_ROLES, type ConnectFormat, type ConnectRole } from '../cluster/connect-choices.ts';
import { uri, writeConnections } from '../cluster/connect-formats.ts';
import type { Connection } from '../cluster/connection.ts';
import { Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { Cluster } from '../inventory/model.ts';
import { suggest } from '../inventory/suggest.ts';
import { PKI } from '../paths.ts';
import { printMessage } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { readSetup } from '../run/setup.ts';
import { writeAuthority } from '../secrets/authority-file.ts';
import { SecretStore } from '../secrets/store.ts';
import { screen } from '../view/screen.ts';

/** The flags of `hapg connect`. */
export interface ConnectOptions extends CommonOptions {
  role?: string;
  outside: boolean;
  database?: string;
  /** The login name of SSH, which every command takes, is here the user of the database. */
  user?: string;
  format: ConnectFormat;
  caOut?: string;
  withPassword: boolean;
}

/**
 * `hapg connect`: prints how applications connect; the first line is for writes unless --role says otherwise. Without
 * --with-password there is no password in it. Contacts no host.
 */
export async function connectCommand(options: ConnectOptions): Promise<number> {
  const { cluster, json } = readSetup({ ...options, quiet: true });
  const roles = rolesOf(options);
  expectAccount(cluster, options);
  const { format, withPassword, outside, caOut } = options;
  if (format === 'pgpass' && !withPassword)
    throw new UsageError('--format pgpass is nothing but a password: with --with-password');
  if (outside && !cluster.hosts.some((host) => host.outside))
    throw new Refused(
      `${fromHere(cluster.file)} says nowhere how clients from outside get in: add outside: {host, port} to the hosts`,
      'nothing_to_connect_to',
    );
  const authority = caOut === undefined ? PKI.client : resolve(caOut);
  const wish = { ...options, authority };
  const connections = roles.flatMap((role) => connectionOf(cluster, role, wish) ?? []);
  if (!isFull(connections, roles))
    throw new Refused(
      'the inventory has no database with a user: add postgres.databases and postgres.users',
      'nothing_to_connect_to',
    );
  const [first] = connections;
  const store = withPassword || caOut !== undefined || format === 'k8s-secret' ? await storeOf(cluster) : undefined;
  const ca = store?.trusted('postgres') ?? '';
  const password = withPassword ? store?.userPassword(first.user).reveal() : undefined;
  if (caOut !== undefined) await writeAuthority(authority, ca, cluster.name);
  if (cluster.upstream && !json)
    printMessage(
      `${cluster.name} is a standby of ${cluster.upstream.name}: the URI for writes leads nowhere until "hapg promote"`,
    );
  const text = writeConnections(format, connections, { cluster: cluster.name, password, ca });
  const shown = json ? JSON.stringify(documentOf(connections, format, text, password)) : text;
  if (withPassword) screen.printSecrets(shown);
  else screen.print(shown);
  return 0;
}

function rolesOf({ role }: ConnectOptions): ConnectRole[] {
  if (role === undefined) return ['primary', 'replica'];
  if (!CONNECT_ROLES.includes(role as ConnectRole))
    throw new UsageError(`--role ${role}: one of ${CONNECT_ROLES.join(', ')}`);
  return [role as ConnectRole];
}

const isFull = (
  connections: readonly Connection[],
  roles: readonly ConnectRole[],
): connections is [Connection, ...Connection[]] => connections.length === roles.length;

/** Throws UsageError for a database or user that the inventory lacks, and for a user whom PostgreSQL lets in nowhere. */
function expectAccount({ file, settings: { postgres } }: Cluster, { database, user }: ConnectOptions): void {
  const expect = (flag: string, what: string, name: string | undefined, known: readonly string[]) => {
    if (name === undefined || known.includes(name)) return;
    throw new UsageError(
      `${flag} ${name}: ${fromHere(file)} has no such ${what}; it has ${known.join(', ') || 'none'}${suggest(name, known)}`,
    );
  };
  expect(
    '--database',
    'database',
    database,
    postgres.databases.map(({ name }) => name),
  );
  expect(
    '--user',
    'user',
    user,
    postgres.users.map(({ name }) => name),
  );
  // pg_hba.conf lets every user of the inventory into every database; only a limit can shut one out.
  if (postgres.users.find(({ name }) => name === user)?.connection_limit === 0)
    throw new UsageError(`--user ${user}: its connection_limit is 0, so it cannot log in`);
}

async function storeOf(cluster: Cluster): Promise<SecretStore> {
  const store = await SecretStore.read(cluster);
  if (!store)
    throw new Refused(`${fromHere(cluster.stateDir)} has no secret store; "hapg apply" makes it`, 'store_missing');
  return store;
}

/** The JSON document: a URI for each role, and what the first one is made of. */
function documentOf(
  connections: readonly [Connection, ...Connection[]],
  format: ConnectFormat,
  text: string,
  password: string | undefined,
) {
  const [first] = connections;
  return {
    ...Object.fromEntries(connections.map((one) => [one.role, uri(one, password)])),
    uri: uri(first, password),
    database: first.database,
    user: first.user,
    ca: first.authority,
    ...(format === 'uri' ? {} : { format, text }),
  };
}
