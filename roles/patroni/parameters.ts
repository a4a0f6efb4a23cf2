import { preloadLibraries } from '../../src/inventory/extensions.ts';
import type { Host } from '../../src/inventory/model.ts';
import { said } from '../../src/observe/answer.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { sizes } from '../../src/postgres/sizes.ts';
import { inUnits } from '../../src/postgres/value.ts';
import { written } from '../../src/postgres/written.ts';
import { SOCKET_DIR } from '../../src/programs/postgres.ts';
import { sharedParameters } from './dynamic-config.ts';
import { RESTORE_WAL } from './restore-wal.ts';

const KIB = 1024;
const MIB = 1_048_576;
const megabytes = (bytes: number): string => (bytes % MIB === 0 ? `${bytes / MIB}MB` : inUnits(bytes / KIB, 'kB'));

/**
 * Returns a member's own PostgreSQL settings, sized from its memory, with the inventory's on top. Settings that must be
 * equal everywhere are in the DCS instead.
 */
export function memberParameters(
  host: Host,
  context: Pick<Context, 'cluster' | 'facts' | 'snapshot'>,
): Record<string, string | number | boolean> {
  const { cluster } = context;
  const facts = context.facts(host);
  const parameters = { ...cluster.settings.postgres.parameters, ...host.parameters };
  const shared = sharedParameters(cluster);
  const present = said(context.snapshot.observations.get(host.name)?.sql)?.sizes ?? {};
  const sized = sizes(facts.memoryBytes, Number(shared.max_connections), present);
  const preload = preloadLibraries(cluster.extensions, parameters.shared_preload_libraries);
  const own = Object.fromEntries(
    Object.entries(parameters)
      .filter(([name]) => !(name in shared))
      .map(([name, value]) => [name, written(Number(cluster.settings.postgres.version), name, value)]),
  );
  return {
    shared_buffers: megabytes(sized.shared_buffers),
    effective_cache_size: megabytes(sized.effective_cache_size),
    maintenance_work_mem: megabytes(sized.maintenance_work_mem),
    work_mem: megabytes(sized.work_mem),
    max_wal_size: '4GB',
    min_wal_size: '512MB',
    checkpoint_completion_target: 0.9,
    random_page_cost: 1.1,
    log_checkpoints: 'on',
    log_lock_waits: 'on',
    log_connections: 'on',
    log_disconnections: 'on',
    log_line_prefix: '%m [%p] %q%u@%d ',
    log_timezone: 'UTC',
    timezone: 'UTC',
    tcp_keepalives_idle: 30,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
    ...own,
    // Kept as written when no extension adds to it: another spelling would restart every member.
    ...(cluster.extensions.some((one) => one.preload) ? { shared_preload_libraries: preload.join(',') } : {}),
    password_encryption: 'scram-sha-256',
    unix_socket_directories: SOCKET_DIR,
    ssl: 'on',
    ssl_cert_file: `${PKI.patroni}/server.crt`,
    ssl_key_file: `${PKI.patroni}/server.key`,
    ssl_ca_file: `${PKI.patroni}/postgres-ca.crt`,
    ssl_min_protocol_version: own.ssl_min_protocol_version ?? 'TLSv1.2',
    ...(cluster.repositories.length > 0
      ? {
          archive_command: `pgbackrest --stanza=${cluster.stanza} archive-push "%p"`,
          // WAL that a standby cluster still lacks is in its upstream's archive, not in its own.
          ...(cluster.upstream ? {} : { restore_command: `${RESTORE_WAL} %f "%p"` }),
        }
      : {}),
  };
}
