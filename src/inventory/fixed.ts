import { type Cluster, dcsRole } from './model.ts';

/**
 * Settings that cannot be changed while the cluster lives, by their path in the inventory: where data is, what wrote it,
 * and where the members of the DCS find each other. A member that starts with an empty directory, or that the others look
 * for at a port at which it is not, is another member than the one that voted before.
 */
export function fixedSettings(cluster: Cluster): Record<string, string | number> {
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
    'postgres.data_dir': cluster.dataDir,
    'patroni.scope': cluster.scope,
    ...(role ? { [`${role}.data_dir`]: dcs.dataDir } : {}),
    ...Object.fromEntries(ports.map(([name, value]) => [`${role}.${name}`, value])),
  };
}
