import { LOOPBACK_PORTS, MONITOR, type Module } from '../../src/inventory/exporters.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import { PGBACKREST_CONFIG } from '../../src/programs/pgbackrest.ts';
import { POSTGRES, SOCKET_DIR } from '../../src/programs/postgres.ts';
import { render } from '../../src/render.ts';
import { unitsOf } from '../../src/roles.ts';
import { POOL_SOCKETS } from '../pgbouncer/pgbouncer.ts';
import { modulesOf } from './modules.ts';

/** An exporter of a host as a unit. It takes the place of the package's own one, which would listen on all addresses. */
export interface ExporterUnit {
  name: string;
  content: string;
}

/** What fills the template of a unit. */
interface Exporter {
  name: string;
  of: string;
  user: string;
  command: readonly string[];
  environment?: string;
  /** The file without which it does not start: the installation of a package starts nothing that is not set up. */
  needs?: string;
  /** Whether it sees the file systems as the host does: a sandbox would show them as read-only. */
  seesAll?: true;
}

/** The configuration of the proxy in front of the exporters: one module for each of them. */
export const PROXY_CONFIG = '/etc/prometheus-exporter-exporter/modules.yml';
export const PROXY_UNIT = 'prometheus-exporter-exporter.service';

/** The authority of Patroni's REST API, as the proxy reads it when it starts. */
export const PATRONI_CA = `${PKI.exporters}/patroni-ca.crt`;

const loopback = (module: keyof typeof LOOPBACK_PORTS): string =>
  `--web.listen-address=127.0.0.1:${LOOPBACK_PORTS[module]}`;

/**
 * The name in the certificate of the Prometheus that may read the metrics. No host can have it, because a host's name
 * has no dot.
 */
export const readerOf = ({ name }: Pick<Cluster, 'name'>): string => `prometheus.${name}`;

/** Returns a regular expression of Go for names, as a unit has it. */
const anyOf = (names: readonly string[]): string => `^(${names.map((name) => name.replaceAll('.', '[.]')).join('|')})$`;

/** The units whose states are told: those of the host's roles, the timers of backups, and hapg's own. */
const watchedUnits = (host: Host): string =>
  anyOf([...new Set([...unitsOf(host), 'pgbackrest.service', 'chrony.service', 'ssh.service', 'ufw.service'])]).replace(
    /\)\$$/,
    '|pgbackrest-[a-z]+[.](service|timer)|hapg-[^ ]+[.](service|timer))$',
  );

const exporters = (host: Host, cluster: Cluster, container: boolean): (Exporter & { module?: Module })[] => [
  {
    name: PROXY_UNIT,
    of: 'this host, for who has a certificate',
    user: 'prometheus',
    needs: PROXY_CONFIG,
    // It asks Patroni over TLS. Its own setting for the authority (tls_ca_cert_file) has no effect in 0.5: it is taken for that
    // of clients.
    ...(host.roles.has('patroni') ? { environment: `SSL_CERT_FILE=${PATRONI_CA}` } : {}),
    command: [
      '/usr/bin/prometheus-exporter-exporter',
      `-config.file=${PROXY_CONFIG}`,
      // No port without TLS.
      '-web.listen-address=',
      `-web.tls.listen-address=${hostPort(host.address, cluster.settings.monitoring.port)}`,
      '-web.tls.verify',
      `-web.tls.ca=${PKI.exporters}/ca.crt`,
      `-web.tls.cert=${PKI.exporters}/server.crt`,
      `-web.tls.key=${PKI.exporters}/server.key`,
      // Hosts have certificates of the same authority.
      `-web.tls.certmatch=${anyOf([readerOf(cluster)])}`,
    ],
  },
  {
    module: 'node',
    name: 'prometheus-node-exporter.service',
    of: 'the host',
    user: 'prometheus',
    seesAll: true,
    command: [
      '/usr/bin/prometheus-node-exporter',
      loopback('node'),
      // Who has the virtual address.
      '--collector.netdev.address-info',
      // A repository on a mount below /mnt or /media is one to watch.
      '--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|var/lib/docker/.+|var/lib/containers/.+)($|/)',
      `--collector.systemd.unit-include=${watchedUnits(host)}`,
      ...[
        'arp',
        'bcache',
        'bonding',
        'btrfs',
        'fibrechannel',
        'infiniband',
        'ipvs',
        'mdadm',
        'nfs',
        'nfsd',
        'nvme',
        ...(container ? ['timex'] : []),
      ].map((one) => `--no-collector.${one}`),
      ...['powersupplyclass', 'rapl', 'selinux', 'tapestats', 'thermal_zone', 'xfs', 'zfs'].map(
        (one) => `--no-collector.${one}`,
      ),
    ],
  },
  {
    module: 'postgres',
    name: 'prometheus-postgres-exporter.service',
    of: 'PostgreSQL',
    user: MONITOR,
    environment: `DATA_SOURCE_NAME=user=${MONITOR} host=${SOCKET_DIR} port=${cluster.settings.postgres.port} dbname=postgres sslmode=disable`,
    command: [
      '/usr/bin/prometheus-postgres-exporter',
      loopback('postgres'),
      // Off by default, and what alerts ask for.
      ...[
        'database_wraparound',
        'long_running_transactions',
        'postmaster',
        'stat_activity_autovacuum',
        'stat_checkpointer',
        'stat_wal_receiver',
      ].map((one) => `--collector.${one}`),
      // One series for every table and index.
      '--no-collector.stat_user_tables',
      '--no-collector.statio_user_tables',
    ],
  },
  {
    module: 'pgbouncer',
    name: 'prometheus-pgbouncer-exporter.service',
    of: 'the pool',
    // The pool lets its own account in without a password (PgBouncer, "Admin console").
    user: POSTGRES.owner,
    command: [
      '/usr/bin/prometheus-pgbouncer-exporter',
      loopback('pgbouncer'),
      `--pgBouncer.connectionString=postgres:///pgbouncer?user=pgbouncer&host=${POOL_SOCKETS}&port=${cluster.settings.pgbouncer.port}&sslmode=disable`,
    ],
  },
  {
    module: 'pgbackrest',
    name: 'prometheus-pgbackrest-exporter.service',
    of: 'the backups',
    // Who owns the repository.
    user: POSTGRES.owner,
    needs: PGBACKREST_CONFIG,
    command: [
      '/usr/bin/prometheus-pgbackrest-exporter',
      loopback('pgbackrest'),
      '--collect.interval=60',
      `--backrest.config=${PGBACKREST_CONFIG}`,
      `--backrest.stanza-include=${cluster.stanza}`,
    ],
  },
];

/** Quotes a word of ExecStart= (systemd.service(5), "COMMAND LINES"): no variable, no specifier. */
const word = (text: string): string => {
  const plain = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, '\\$&')}"`;
};

/** Returns the units of a host's exporters, the proxy first. In a container the clock is that of its machine. */
export function exporterUnits(host: Host, cluster: Cluster, { container = false } = {}): ExporterUnit[] {
  const modules = modulesOf(host, cluster);
  return exporters(host, cluster, container)
    .filter(({ module }) => module === undefined || modules.includes(module))
    .map(({ name, command, of, user, environment, needs, seesAll }) => ({
      name,
      content: render('exporters/exporter.service', {
        of,
        user,
        needs: needs ?? '',
        sandbox: !seesAll,
        environment: environment === undefined ? '' : word(environment),
        command: command.map(word).join(' '),
      }),
    }));
}

/** The units of all exporters that a host may have. */
export const ALL_EXPORTERS = [
  PROXY_UNIT,
  ...['node', 'postgres', 'pgbouncer', 'pgbackrest'].map((module) => `prometheus-${module}-exporter.service`),
];
