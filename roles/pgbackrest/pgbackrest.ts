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

const role = 'pgbackrest';
const UNIT = 'pgbackrest.service';

export const pgbackrestPackages = ['pgbackrest', 'openssl'];
export const pgbackrestMinimum = { pgbackrest: '2.45' };

/**
 * The host of its own has the server as well: the account that owns the repository comes with it, and drills run there. A
 * drill starts the server with the settings of the backup, so that every library that is preloaded must be there.
 */
export const repositoryPackages = ({ settings, extensions }: Cluster): string[] => [
  `postgresql-${settings.postgres.version}`,
  ...settings.postgres.packages,
  ...extensions.flatMap((one) => one.packages),
];

/** On every host that takes part in backups. With a host of its own all talk TLS, each server and client of the other. */
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
    ...drill(host, context),
  ];
}

/** What a TLS server and client needs. */
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
        // Older ones look for the address among the DNS names.
        dns: [host.name, ...(capabilities(context.facts(host)).pgbackrestAddressNames ? [] : [host.address])],
        ips: [host.address],
        issuedSince: context.renewIssuedBefore,
      },
      again,
    ),
  ];
}

/** On a database host the server does nothing but read for backups, so that its limit is theirs; WAL is pushed elsewhere. */
const bandwidth = (host: Host, { cluster }: Context) => ({
  readLimit: host.roles.has('patroni') ? cluster.settings.pgbackrest.read_bandwidth : undefined,
  dataDir: cluster.dataDir,
});

/** Where a repository's data lies, on a host that reaches it itself. */
function storage(one: RepositorySettings): Step[] {
  if (one.kind === 's3') return one.ca ? [file(role, storageAuthority(one, PKI.pgbackrest), `${one.ca.trim()}\n`)] : [];
  const own = dataDirectory(role, one.path, POSTGRES.owner, ['0750', '0700', '0770']);
  if (one.kind === 'host') return [own];
  // A mount that is missing looks like an empty directory, and backups would pile up on a database host's own disk.
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

/** Once there is a leader: the stanza, a check of archiving, the first full backup, and the schedule. */
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
        repositories: cluster.repositories.map((one) => one.key),
        // A host of its own reads through the servers of the others, which have the limit.
        ...(dedicated ? { readLimit: undefined, dataDir: '' } : bandwidth(host, context)),
        // Every database host has the schedule, and the one that leads when the hour comes takes the backup.
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
