import type { Cluster, Host } from '../../src/inventory/model.ts';
import { PATHS, PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { pgpass } from '../../src/secrets/pgpass.ts';
import { file } from '../../src/steps/file.ts';
import type { Step } from '../../src/steps/step.ts';

const role = 'client';

export const clientPackages = ({ settings }: Cluster): string[] => [`postgresql-client-${settings.postgres.version}`];

/** A line that `pgpass` does not write. */
const OTHER_PASSWORDS = "grep -qv '^\\*:\\*:\\*:[a-z_]' {}";

/** Steps of a client: psql, the servers' CA, and the passwords of the application users. */
export const client = (_host: Host, { cluster, secrets }: Context): Step[] => [
  file(role, PKI.client, secrets.trusted('postgres')),
  file(role, PATHS.clientPasswords, pgpass(cluster, secrets), { foreign: OTHER_PASSWORDS }),
];
