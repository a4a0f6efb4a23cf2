import { capabilities, MINIMUM_VERSIONS } from '../../src/cluster/facts.ts';
import { PKI } from '../../src/cluster/observe.ts';
import type { Context } from '../../src/engine/playbook.ts';
import { type Host, repositoryHost } from '../../src/inventory/model.ts';
import { render } from '../../src/render.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { stanza } from '../../src/steps/stanza.ts';
import { reload, restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';
import { pgbackrestConfig } from './config.ts';

const role = 'pgbackrest';
const UNIT = 'pgbackrest.service';
const POSTGRES = { owner: 'postgres', group: 'postgres' };

export const pgbackrestPackages = ['pgbackrest', 'openssl'];
export const pgbackrestMinimum = { pgbackrest: MINIMUM_VERSIONS.pgbackrest };

/** The account that owns the repository comes with PostgreSQL's packages on database hosts; here it needs postgresql-common. */
export const repositoryPackages = ['postgresql-common'];

/** On the repository host and on every database host; with TLS both are server and client of each other. */
export function pgbackrest(host: Host, context: Context): Step[] {
  const { cluster, secrets } = context;
  const authority = secrets.authority('pgbackrest');
  const isRepository = host === repositoryHost(cluster);
  const again = { notify: [reload(UNIT)] };
  return [
    directory(role, '/etc/pgbackrest'),
    directory(role, PKI.pgbackrest),
    file(role, `${PKI.pgbackrest}/ca.crt`, secrets.trusted('pgbackrest'), again),
    certificate(
      role,
      {
        path: `${PKI.pgbackrest}/pgbackrest`,
        ...POSTGRES,
        authority,
        commonName: host.name,
        // Older ones look for the address among the DNS names.
        dns: [host.name, ...(capabilities(context.facts(host)).pgbackrestAddressNames ? [] : [host.address])],
        ips: [host.address],
        issuedSince: context.renewIssuedBefore,
      },
      again,
    ),
    directory(role, '/var/log/pgbackrest', { ...POSTGRES, mode: '0750' }),
    ...(isRepository
      ? [directory(role, cluster.settings.pgbackrest.path, { ...POSTGRES, mode: '0750' })]
      : [directory(role, '/var/spool/pgbackrest', { ...POSTGRES, mode: '0750' })]),
    file(role, '/etc/pgbackrest/pgbackrest.conf', pgbackrestConfig(host, context), {
      ...POSTGRES,
      mode: '0600',
      ...again,
    }),
    file(role, '/etc/systemd/system/pgbackrest.service', render('pgbackrest/pgbackrest.service', {})),
    unit(role, UNIT),
  ];
}

/** Once there is a leader: the stanza, a check of archiving, the first full backup, and the schedule. */
export function pgbackrestSchedule({ cluster }: Context): Step[] {
  const { schedule } = cluster.settings.pgbackrest;
  const timers = (['full', 'diff'] as const).flatMap((type) => [
    file(
      role,
      `/etc/systemd/system/pgbackrest-${type}.service`,
      render('pgbackrest/backup.service', { type, stanza: cluster.stanza }),
    ),
    file(
      role,
      `/etc/systemd/system/pgbackrest-${type}.timer`,
      render('pgbackrest/backup.timer', { type, calendar: schedule[type] }),
      { notify: [restart(`pgbackrest-${type}.timer`)] },
    ),
    unit(role, `pgbackrest-${type}.timer`),
  ]);
  return [stanza(role, cluster.stanza), ...timers];
}
