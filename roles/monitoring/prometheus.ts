import { stringify } from 'yaml';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import { PKI } from '../../src/paths.ts';
import { scrapeConfig } from '../exporters/scrape.ts';

/** Returns the configuration of Prometheus in a directory: the cluster's targets, itself, Alertmanager, and rules. */
export function prometheusConfig(host: Host, cluster: Cluster, directory: string): string {
  const { scrape_interval, evaluation_interval, prometheus, alertmanager } = cluster.settings.monitoring;
  const targets = (port: number, labels?: Record<string, string>) => ({
    static_configs: [{ targets: [`127.0.0.1:${port}`], ...(labels ? { labels } : {}) }],
  });
  const here = { cluster: cluster.name, host: host.name };
  return `# Managed by hapg\n${stringify(
    {
      global: { scrape_interval, evaluation_interval },
      rule_files: [`${directory}/*.rules.yml`],
      alerting: { alertmanagers: [targets(alertmanager.port)] },
      scrape_configs: [
        scrapeConfig(cluster, { targets: `${directory}/${cluster.name}.json`, pki: PKI.monitoring }),
        { job_name: 'prometheus', ...targets(prometheus.port, here) },
        { job_name: 'alertmanager', ...targets(alertmanager.port, here) },
      ],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )}`;
}
