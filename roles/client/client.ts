import { PKI } from '../../src/cluster/observe.ts';
import type { Context } from '../../src/engine/playbook.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import { Secret } from '../../src/secrets/secret.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { file } from '../../src/steps/file.ts';
import type { Step } from '../../src/steps/step.ts';

const role = 'client';

export const clientPackages = ({ settings }: Cluster): string[] => [`postgresql-client-${settings.postgres.version}`];

/** The password file of a client host (libpq, "The Password File"); `other` is a user whose password is about to change. */
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

/** psql, the authority to verify the servers with, and the passwords of the application users. */
export const client = (_host: Host, { cluster, secrets }: Context): Step[] => [
  file(role, PKI.client, secrets.trusted('postgres')),
  file(role, '/root/.pgpass', pgpass(cluster, secrets)),
];
