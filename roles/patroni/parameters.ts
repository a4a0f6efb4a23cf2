import type { Context } from '../../src/engine/playbook.ts';
import { preloadLibraries } from '../../src/inventory/extensions.ts';
import type { Host } from '../../src/inventory/model.ts';
import { PKI } from '../../src/paths.ts';
import { dcsConfig } from './dcs.ts';

const MIB = 1_048_576;
const megabytes = (bytes: number): string => `${Math.max(1, Math.floor(bytes / MIB))}MB`;

/**
 * A member's own PostgreSQL settings, sized from its memory (25 % shared_buffers, 75 % effective_cache_size, as
 * PostgreSQL's documentation advises), with the inventory's on top. What must be equal everywhere is in the DCS instead.
 */
export function memberParameters(host: Host, context: Context): Record<string, string | number | boolean> {
  const { cluster } = context;
  const facts = context.facts(host);
  const { parameters } = cluster.settings.postgres;
  const shared = (dcsConfig(context).postgresql as { parameters: Record<string, unknown> }).parameters;
  const connections = Number(shared.max_connections);
  const preload = preloadLibraries(cluster.extensions, parameters.shared_preload_libraries);
  const own = Object.fromEntries(Object.entries(parameters).filter(([name]) => !(name in shared)));
  return {
    shared_buffers: megabytes(facts.memoryBytes / 4),
    effective_cache_size: megabytes((facts.memoryBytes * 3) / 4),
    maintenance_work_mem: megabytes(Math.min(facts.memoryBytes / 16, 2048 * MIB)),
    work_mem: megabytes(Math.max(4 * MIB, facts.memoryBytes / 4 / connections / 2)),
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
    // As it is written where no extension adds to it: another spelling would be a restart of every member.
    ...(cluster.extensions.some((one) => one.preload) ? { shared_preload_libraries: preload.join(',') } : {}),
    password_encryption: 'scram-sha-256',
    unix_socket_directories: '/var/run/postgresql',
    ssl: 'on',
    ssl_cert_file: `${PKI.patroni}/server.crt`,
    ssl_key_file: `${PKI.patroni}/server.key`,
    ssl_ca_file: `${PKI.patroni}/postgres-ca.crt`,
    ssl_min_protocol_version: 'TLSv1.2',
    ...(cluster.repositories.length > 0
      ? {
          archive_command: `pgbackrest --stanza=${cluster.stanza} archive-push "%p"`,
          // What a copy has not got yet is in its source's archive, not in its own.
          ...(cluster.source ? {} : { restore_command: `pgbackrest --stanza=${cluster.stanza} archive-get %f "%p"` }),
        }
      : {}),
  };
}
