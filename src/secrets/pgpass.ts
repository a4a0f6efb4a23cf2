import type { Cluster } from '../inventory/model.ts';
import { Secret } from './secret.ts';
import type { SecretStore } from './store.ts';

/** The password file of a client (libpq, "The Password File"); `other` is a user whose password is about to change. */
export const pgpass = (
  { settings }: Cluster,
  secrets: SecretStore,
  other?: { name: string; password: Secret },
): Secret =>
  new Secret(
    settings.postgres.users
      .map(({ name }) => (name === other?.name ? other.password : secrets.userPassword(name)).reveal())
      .map((password, index) => `*:*:*:${settings.postgres.users[index]!.name}:${password}\n`)
      .join(''),
  );
