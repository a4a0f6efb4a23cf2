import { type Cluster, dcsRole, type Host } from './model.ts';

/** The name under which a host notes its data directory, whichever setting of the inventory it comes from. */
export const DATA_DIR = 'postgres.data_dir';

/**
 * Returns settings of a host that cannot be changed while the cluster exists, by their path in the inventory: where data
 * is, what wrote it, and the peer addresses of the DCS. A member with an empty directory or another port is not the
 * member that voted before.
 */
export function immutableSettings(cluster: Cluster, host: Host): Record<string, string | number> {
  const { settings, dcs } = cluster;
  const role = dcsRole(cluster);
  const ports =
    role === 'etcd'
      ? (['client_port', 'peer_port'] as const).map((name) => [name, settings.etcd[name]] as const)
      : role === 'zookeeper'
        ? (['client_port', 'peer_port', 'election_port'] as const).map(
            (name) => [name, settings.zookeeper[name]] as const,
          )
        : [];
  return {
    'postgres.version': settings.postgres.version,
    [DATA_DIR]: host.dataDir,
    'patroni.scope': cluster.scope,
    ...(role ? { [`${role}.data_dir`]: dcs.dataDir } : {}),
    ...Object.fromEntries(ports.map(([name, value]) => [`${role}.${name}`, value])),
  };
}
