/** The modules of a host, each a job of Prometheus (docs/monitoring.md). */
export const MODULES = [
  'node',
  'postgres',
  'patroni',
  'pgbouncer',
  'haproxy',
  'etcd',
  'zookeeper',
  'pgbackrest',
] as const;
export type Module = (typeof MODULES)[number];

/**
 * The ports on a host's loopback address at which metrics are read, by module; the usual ones of each exporter. Patroni
 * is read at its own port, and ZooKeeper by a program.
 */
export const LOOPBACK_PORTS = {
  node: 9100,
  postgres: 9187,
  pgbouncer: 9127,
  haproxy: 8405,
  etcd: 2381,
  pgbackrest: 9854,
} as const satisfies Partial<Record<Module, number>>;

/** The same as a list. */
export const EXPORTERS = Object.entries(LOOPBACK_PORTS).map(([module, port]) => ({ module, port }));

/**
 * The account of the exporter of PostgreSQL: on the host, which has no other use of it, and in the database, where it
 * reads statistics and no row. Who is one may log in as the other, without a password.
 */
export const MONITOR = 'hapg_monitor';
