import { type Cluster, type Host, monitored } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { POSTGRES, SOCKET_DIR } from '../../src/programs/postgres.ts';
import { render } from '../../src/render.ts';
import { quote } from '../../src/shell/quote.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { ready } from '../../src/steps/ready.ts';
import { POOLER } from '../../src/steps/sql/want.ts';
import { reload, restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';

const role = 'pgbouncer';
const UNIT = 'pgbouncer.service';
// Debian's PgBouncer runs as the database's own account.
export const pgbouncerPackages = ['pgbouncer'];
/** Minimum version: auth_dbname came with 1.19, prepared statements in transaction pools with 1.21 (PgBouncer changelog). */
export const pgbouncerMinimum = { pgbouncer: '1.21' };

/** Script that ends the pool when PostgreSQL stops. */
const WATCH = '/usr/local/sbin/hapg-pool-watch';
/** Script that ends client connections when this member stops, or stops leading; Patroni calls it (Patroni documentation, "callbacks"). */
export const END_POOL = '/usr/local/sbin/hapg-pool-end';

/**
 * Directory of the pool's socket, in a cluster that is watched: the exporter asks there. Only the pool's own account, which
 * needs no password, comes in.
 */
export const POOL_SOCKETS = '/run/hapg-pool';

/** Steps before the package, and before Patroni calls the script. */
export function pgbouncerPrepare(cluster: Cluster): Step[] {
  const { settings, binDir } = cluster;
  const server = {
    binDir,
    sockets: SOCKET_DIR,
    port: settings.postgres.port,
    watch: WATCH,
    runtime: monitored(cluster) ? POOL_SOCKETS.slice('/run/'.length) : '',
  };
  return [
    directory(role, '/etc/systemd/system/pgbouncer.service.d'),
    file(role, '/etc/systemd/system/pgbouncer.service.d/hapg.conf', render('pgbouncer/pgbouncer.service', server)),
    file(role, END_POOL, render('pgbouncer/end.sh', server), { mode: '0755' }),
    file(role, WATCH, render('pgbouncer/watch.sh', server), { mode: '0755' }),
  ];
}

/** Step for PgBouncer's own certificate, which it presents to PostgreSQL instead of a password in a file. */
export const pgbouncerCertificates = (host: Host, { secrets, renewIssuedBefore }: Context): Step[] => [
  directory(role, '/etc/pgbouncer'),
  directory(role, PKI.pgbouncer),
  certificate(
    role,
    {
      path: `${PKI.pgbouncer}/client`,
      ...POSTGRES,
      authority: secrets.authority('postgres'),
      // PostgreSQL's cert method takes the user from the common name.
      commonName: POOLER,
      dns: [host.name],
      ips: [host.address],
      issuedSince: renewIssuedBefore,
    },
    { notify: [reload(UNIT)] },
  ),
];

/**
 * Steps for a pool in front of each member's own PostgreSQL: TLS on both sides, and a function in the database that
 * looks up clients' passwords (auth_query), so that no list of users is needed.
 */
export function pgbouncer(host: Host, { cluster }: Context): Step[] {
  const { pgbouncer: wanted, postgres } = cluster.settings;
  const again = { notify: [reload(UNIT)] };
  return [
    // Where it listens is read only at a start (PgBouncer documentation, "listen_port", "unix_socket_dir").
    file(role, '/etc/pgbouncer/listen.ini', listening(host, cluster), {
      ...POSTGRES,
      mode: '0640',
      notify: [restart(UNIT)],
    }),
    file(
      role,
      '/etc/pgbouncer/pgbouncer.ini',
      render('pgbouncer/pgbouncer.ini', {
        address: host.address,
        postgresPort: postgres.port,
        wanted,
        hasSocket: monitored(cluster),
        pooler: POOLER,
        pki: PKI,
      }),
      { ...POSTGRES, mode: '0640', ...again },
    ),
    unit(role, UNIT),
    ready(role, 'pgbouncer', {
      check: `pg_isready -q -t 3 -h ${quote(host.address)} -p ${wanted.port}`,
      doing: `waiting for PgBouncer on ${hostPort(host.address, wanted.port)}`,
      timeoutSeconds: 30,
    }),
  ];
}

const listening = ({ address }: Host, cluster: Cluster): string =>
  `listen_addr = ${address}
listen_port = ${cluster.settings.pgbouncer.port}
${monitored(cluster) ? `unix_socket_dir = ${POOL_SOCKETS}\nunix_socket_mode = 0700\n` : ''}`;
