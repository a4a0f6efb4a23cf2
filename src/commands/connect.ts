import { type ConnectRole, clientUri } from '../cluster/connect.ts';
import { Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { print, printJson, printMessage } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { readSetup } from '../run/setup.ts';

const ROLES: ConnectRole[] = ['primary', 'replica', 'any'];

/** The flags of `hapg connect`. */
export interface ConnectOptions extends CommonOptions {
  role?: string;
  outside: boolean;
}

/** `hapg connect`: prints libpq URIs without password; the first line is for writes unless --role says otherwise. */
export function connectCommand(options: ConnectOptions): number {
  const { cluster, json } = readSetup({ ...options, quiet: true });
  if (options.role && !ROLES.includes(options.role as ConnectRole))
    throw new UsageError(`--role ${options.role}: one of ${ROLES.join(', ')}`);
  const roles = options.role ? [options.role as ConnectRole] : (['primary', 'replica'] as ConnectRole[]);
  const { outside } = options;
  if (outside && !cluster.hosts.some((host) => host.outside))
    throw new Refused(
      `${fromHere(cluster.file)} says nowhere how clients from outside get in: add outside: {host, port} to the hosts`,
    );
  const uris = roles.map((role) => clientUri(cluster, role, { outside }));
  if (uris.includes(undefined))
    throw new Refused('the inventory has no database with a user: add postgres.databases and postgres.users');
  if (cluster.upstream && !json)
    printMessage(
      `${cluster.name} is a standby of ${cluster.upstream.name}: the URI for writes leads nowhere until "hapg promote"`,
    );
  if (json) printJson(Object.fromEntries(roles.map((role, index) => [role, uris[index]])));
  else for (const uri of uris) print(uri!);
  return 0;
}
