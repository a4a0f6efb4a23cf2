import { stringify } from 'yaml';
import { LOOPBACK_PORTS, type Module } from '../../src/inventory/exporters.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import { isIPv6 } from '../../src/inventory/network.ts';
import { modulesOf } from './modules.ts';

/** Script that asks ZooKeeper and says it in Prometheus' words. */
export const ZOOKEEPER_METRICS = '/usr/local/sbin/hapg-zookeeper-metrics';

/** Returns how the proxy reads a module (exporter_exporter, "Configuration"). */
function moduleOf(module: Module, host: Host, cluster: Cluster): Record<string, unknown> {
  if (module === 'zookeeper') return { method: 'exec', timeout: '5s', exec: { command: ZOOKEEPER_METRICS } };
  if (module === 'patroni')
    return {
      method: 'http',
      timeout: '5s',
      http: {
        scheme: 'https',
        address: isIPv6(host.address) ? `[${host.address}]` : host.address,
        port: cluster.settings.patroni.port,
        path: '/metrics',
      },
    };
  // The exporter of backups answers from what it has read before; PostgreSQL's may have to wait for its statistics.
  return {
    method: 'http',
    timeout: '9s',
    http: { address: '127.0.0.1', port: LOOPBACK_PORTS[module], path: '/metrics' },
  };
}

/** Returns the configuration of the proxy in front of a host's exporters. */
export const proxyConfig = (host: Host, cluster: Cluster): string =>
  `# Managed by hapg\n${stringify({
    modules: Object.fromEntries(modulesOf(host, cluster).map((module) => [module, moduleOf(module, host, cluster)])),
  })}`;
