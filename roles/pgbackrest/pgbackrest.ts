import { sharedBuffers } from '../../src/cluster/buffers.ts';
import { capabilities } from '../../src/cluster/versions.ts';
import { backupHosts, type Cluster, type Host, repositoryHost } from '../../src/inventory/model.ts';
import { PATHS, PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { judgeConfig, PGBACKREST_CONFIG } from '../../src/programs/pgbackrest.ts';
import { POSTGRES } from '../../src/programs/postgres.ts';
import { render } from '../../src/render.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { stanza } from '../../src/steps/stanza.ts';
import { reload, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';
import { bandwidth } from './bandwidth.ts';
import { pgbackrestConfig } from './config.ts';
import { LOGS } from './directories.ts';
import { drill } from './drill.ts';
import { notice } from './notice.ts';
import { schedule } from './schedule.ts';
import { storage } from './storage.ts';

const role = 'pgbackrest';
const UNIT = 'pgbackrest.service';

export const pgbackrestPackages = ['pgbackrest', 'openssl', 'curl'];
export const pgbackrestMinimum = { pgbackrest: '2.45' };

/**
 * Returns the packages of a dedicated repository host. It has the server too, which brings the account that owns the
 * repository and runs drills. A drill starts the server with the settings of the backup, so every preloaded library
 * must be installed.
 */
export const repositoryPackages = ({ settings, extensions }: Cluster): string[] => [
  `postgresql-${settings.postgres.version}`,
  ...settings.postgres.packages,
  ...extensions.flatMap((one) => one.packages),
];

/**
 * Steps for every host that takes part in backups. With a dedicated repository host all connections use TLS, and each
 * host is server and client.
 */
export function pgbackrest(host: Host, context: Context): Step[] {
  const { cluster } = context;
  const dedicated = repositoryHost(cluster);
  return [
    directory(role, '/etc/pgbackrest'),
    directory(role, PKI.pgbackrest),
    ...(dedicated ? server(host, context) : []),
    directory(role, LOGS, { ...POSTGRES, mode: '0750' }),
    ...(host === dedicated ? [] : [directory(role, '/var/spool/pgbackrest', { ...POSTGRES, mode: '0750' })]),
    ...(backupHosts(cluster).includes(host)
      ? cluster.repositories.flatMap((one) => storage(one, context.secrets, PKI.pgbackrest))
      : []),
    file(role, PGBACKREST_CONFIG, pgbackrestConfig(host, context), {
      ...POSTGRES,
      mode: '0600',
      check: judgeConfig('{}', cluster.stanza, {
        database: host !== dedicated,
        repositories: backupHosts(cluster).includes(host),
      }),
      ...(dedicated ? { notify: [reload(UNIT)] } : {}),
    }),
    ...(dedicated
      ? [
          file(role, `/etc/systemd/system/${UNIT}`, render('pgbackrest/pgbackrest.service', bandwidth(host, context))),
          unit(role, UNIT),
        ]
      : []),
    directory(role, PATHS.drillScript.replace(/\/[^/]+$/, '')),
    ...notice(host, context),
    ...drill(host, context),
  ];
}

/** Steps for a TLS server and client. */
function server(host: Host, context: Context): Step[] {
  const { secrets } = context;
  const again = { notify: [reload(UNIT)] };
  return [
    file(role, `${PKI.pgbackrest}/ca.crt`, secrets.trusted('pgbackrest'), again),
    certificate(
      role,
      {
        path: `${PKI.pgbackrest}/pgbackrest`,
        ...POSTGRES,
        authority: secrets.authority('pgbackrest'),
        commonName: host.name,
        // Older versions look for the address among the DNS names.
        dns: [host.name, ...(capabilities(context.facts(host)).pgbackrestAddressNames ? [] : [host.address])],
        ips: [host.address],
        issuedSince: context.renewIssuedBefore,
      },
      again,
    ),
  ];
}

/** Steps that need a leader: the stanza, a check of archiving, the first full backup, and the schedule. */
export function pgbackrestSchedule(host: Host, context: Context, leader: Host | undefined): Step[] {
  const { cluster } = context;
  const dedicated = repositoryHost(cluster);
  return [
    ...(host === dedicated || (!dedicated && host === leader)
      ? [
          stanza(role, {
            sharedBuffers: sharedBuffers(context.snapshot),
            name: cluster.stanza,
            repositories: cluster.repositories.map((one) => one.key),
            version: cluster.settings.postgres.version,
          }),
        ]
      : []),
    ...schedule(host, context),
  ];
}
