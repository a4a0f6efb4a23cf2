import type { Cluster } from '../inventory/model.ts';
import type { Secret } from '../secret.ts';
import type { SecretStore } from './store.ts';
import { joined, type SecretText } from './text.ts';

/** Returns the password file of a client (libpq, "The Password File"); `other` is a user whose password is about to change. */
export const pgpass = (
  { settings }: Cluster,
  secrets: SecretStore,
  other?: { name: string; password: Secret },
): SecretText =>
  joined(
    settings.postgres.users.flatMap(({ name }) => [
      `*:*:*:${name}:`,
      name === other?.name ? other.password : secrets.userPassword(name),
      '\n',
    ]),
    { syntax: 'pgpass' },
  );
