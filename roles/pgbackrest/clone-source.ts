import { type Cluster, type Host, hostsWith, repositoryHost } from '../../src/inventory/model.ts';
import type { Able } from '../../src/inventory/repositories/kind.ts';
import { PATHS } from '../../src/paths.ts';
import { POSTGRES } from '../../src/programs/postgres.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import type { Step } from '../../src/steps/step.ts';
import { cloneSourceConfig } from './config.ts';
import { repositoryFiles } from './storage.ts';

const role = 'pgbackrest';

export const CLONE_SOURCE_CONFIG = `${PATHS.cloneSource}/pgbackrest.conf`;

/**
 * Steps that give a host of another cluster access to this one's repositories while it restores from them. For a
 * dedicated repository host it uses the certificate of a database host, which is accepted already: nothing of the
 * source has to change. `able` are the capabilities of the host.
 */
export function cloneSourceAccess(host: Host, source: Cluster, secrets: SecretStore, able: Able): Step[] {
  const [member] = hostsWith(source, 'patroni');
  return [
    directory(role, PATHS.cloneSource, { ...POSTGRES, mode: '0700' }),
    ...(repositoryHost(source)
      ? [
          file(role, `${PATHS.cloneSource}/ca.crt`, secrets.trusted('pgbackrest')),
          certificate(role, {
            path: `${PATHS.cloneSource}/pgbackrest`,
            ...POSTGRES,
            authority: secrets.authority('pgbackrest'),
            commonName: member!.name,
            dns: [member!.name],
            ips: [host.address],
          }),
        ]
      : source.repositories.flatMap((one) => repositoryFiles(one, secrets, PATHS.cloneSource))),
    file(role, CLONE_SOURCE_CONFIG, cloneSourceConfig(source, secrets, host.dataDir, PATHS.cloneSource, able), {
      ...POSTGRES,
      mode: '0600',
    }),
  ];
}
