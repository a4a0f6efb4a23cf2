import { loginUsers } from '../inventory/accounts.ts';
import type { Cluster } from '../inventory/model.ts';
import { Secret } from '../secret.ts';
import type { SecretStore } from './store.ts';
import { joined, type SecretText } from './text.ts';

/** Returns the password file of a client (libpq, "The Password File"); `other` is a user whose password is about to change. */
export const pgpass = (
  { settings }: Cluster,
  secrets: SecretStore,
  other?: { name: string; password: Secret },
): SecretText =>
  joined(
    loginUsers(settings.postgres).flatMap(({ name }) => [
      `*:*:*:${name}:`,
      escaped(name === other?.name ? other.password : secrets.userPassword(name)),
      '\n',
    ]),
    { syntax: 'pgpass' },
  );

/** Returns a password as the file has it: what separates its fields is escaped. */
const escaped = (password: Secret): Secret =>
  /[:\\]/.test(password.reveal()) ? new Secret(password.reveal().replaceAll(/[:\\]/g, '\\$&')) : password;
