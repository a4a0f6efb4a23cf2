import { type Cluster, type Host, hostsWith } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { modulesOf } from './modules.ts';
import { readerOf } from './units.ts';

/** A group of targets as Prometheus reads it from a file (Prometheus, "file_sd_config"). */
interface Group {
  targets: string[];
  labels: Record<string, string>;
}

const groups = (host: Host, cluster: Cluster): Group[] =>
  modulesOf(host, cluster).map((module) => ({
    targets: [hostPort(host.address, cluster.settings.monitoring.port)],
    labels: {
      job: module,
      __param_module: module,
      cluster: cluster.name,
      host: host.name,
      ...(host.datacenter === undefined ? {} : { datacenter: host.datacenter }),
    },
  }));

/** Returns the file of a cluster's targets: one group for each module of each host, the module as its job. */
export const scrapeFile = (cluster: Cluster): string =>
  `${JSON.stringify(
    hostsWith(cluster, 'exporters').flatMap((host) => groups(host, cluster)),
    null,
    2,
  )}\n`;

/** Returns how Prometheus reads that file, with the directory of its certificates (Prometheus, "scrape_config"). */
export function scrapeConfig(cluster: Cluster, { targets, pki }: { targets: string; pki: string }): object {
  const interval = cluster.settings.monitoring.scrape_interval;
  return {
    job_name: `hapg-${cluster.name}`,
    scheme: 'https',
    metrics_path: '/proxy',
    scrape_interval: interval,
    scrape_timeout: Number.parseInt(interval, 10) < 10 ? interval : '10s',
    tls_config: {
      ca_file: `${pki}/ca.crt`,
      cert_file: `${pki}/${readerOf(cluster)}.crt`,
      key_file: `${pki}/${readerOf(cluster)}.key`,
    },
    file_sd_configs: [{ files: [targets] }],
  };
}
