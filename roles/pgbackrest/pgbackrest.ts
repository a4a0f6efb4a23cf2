import { sharedBuffers } from '../../src/cluster/buffers.ts';
import { capabilities } from '../../src/cluster/versions.ts';
import {
  backupHosts,
  type Cluster,
  type Host,
  type RepositorySettings,
  repositoryHost,
} from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PATHS, PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { PGBACKREST_CONFIG } from '../../src/programs/pgbackrest.ts';
import { POSTGRES } from '../../src/programs/postgres.ts';
import { render } from '../../src/render.ts';
import { quote } from '../../src/shell/quote.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { dataDirectory } from '../../src/steps/data-directory.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { ready } from '../../src/steps/ready.ts';
import { stanza } from '../../src/steps/stanza.ts';
import { reload, restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';
import { pgbackrestConfig, storageAuthority } from './config.ts';
import { drill } from './drill.ts';
import { notice, noticeUnit } from './notice.ts';

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
    directory(role, '/var/log/pgbackrest', { ...POSTGRES, mode: '0750' }),
    ...(host === dedicated ? [] : [directory(role, '/var/spool/pgbackrest', { ...POSTGRES, mode: '0750' })]),
    ...(backupHosts(cluster).includes(host) ? cluster.repositories.flatMap(storage) : []),
    file(role, PGBACKREST_CONFIG, pgbackrestConfig(host, context), {
      ...POSTGRES,
      mode: '0600',
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

/** Limits of a database host's server, which only reads for backups, so its limit is theirs; WAL is pushed separately. */
const bandwidth = (host: Host, { cluster }: Context) => ({
  readLimit: host.roles.has('patroni') ? cluster.settings.pgbackrest.read_bandwidth : undefined,
  dataDir: host.dataDir,
});

/** Steps for a repository's directory, on a host that reaches it directly. */
function storage(one: RepositorySettings): Step[] {
  if (one.kind === 's3') return one.ca ? [file(role, storageAuthority(one, PKI.pgbackrest), `${one.ca.trim()}\n`)] : [];
  const own = dataDirectory(role, one.path, POSTGRES.owner, ['0750', '0700', '0770']);
  if (one.kind === 'host') return [own];
  // A missing mount looks like an empty directory, and backups would fill a database host's own disk.
  const missing = `${one.path} is on no mount of its own: mount the shared directory there first`;
  return [
    own,
    ready(role, `mount ${one.path}`, {
      check: `[ "$(stat -c %d ${quote(one.path)})" != "$(stat -c %d /)" ]`,
      act: `echo ${quote(missing)}`,
      doing: 'looking for the mount',
      timeoutSeconds: 5,
    }),
  ];
}

/** Steps that need a leader: the stanza, a check of archiving, the first full backup, and the schedule. */
export function pgbackrestSchedule(host: Host, context: Context, leader: Host | undefined): Step[] {
  const { cluster } = context;
  const { schedule } = cluster.settings.pgbackrest;
  const dedicated = repositoryHost(cluster);
  const timers = (['full', 'diff'] as const).flatMap((type) => [
    file(
      role,
      `/etc/systemd/system/pgbackrest-${type}.service`,
      render('pgbackrest/backup.service', {
        type,
        stanza: cluster.stanza,
        notice: noticeUnit(context),
        repositories: cluster.repositories.map((one) => one.key),
        // A dedicated host reads through the servers of the others, which apply the limit.
        ...(dedicated ? { readLimit: undefined, dataDir: '' } : bandwidth(host, context)),
        // Every database host has the schedule, and the leader at that time takes the backup.
        leader: dedicated
          ? undefined
          : {
              authority: `${PKI.patroni}/rest-ca.crt`,
              url: `https://${hostPort(host.address, cluster.settings.patroni.port)}/primary`,
            },
      }),
    ),
    file(
      role,
      `/etc/systemd/system/pgbackrest-${type}.timer`,
      render('pgbackrest/backup.timer', { type, calendar: schedule[type] }),
      { notify: [restart(`pgbackrest-${type}.timer`)] },
    ),
    unit(role, `pgbackrest-${type}.timer`),
  ]);
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
    ...timers,
  ];
}
