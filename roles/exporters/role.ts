import { hostsWith } from '../../src/inventory/model.ts';
import type { Role } from '../role.ts';
import { fromHosts, fromNetworks } from '../traffic.ts';
import { exportersCertificates, exportersPrepare } from './exporters.ts';
import { modulesOf } from './modules.ts';

/** Versions in which the metrics have the names that alerts and boards use; those of Debian 12 are older. */
const MINIMUM = {
  'prometheus-node-exporter': '1.8',
  'prometheus-postgres-exporter': '0.17',
  'prometheus-pgbouncer-exporter': '1:0.10',
  'prometheus-pgbackrest-exporter': '0.18',
};

export const exportersRole: Role = {
  packages: (host, { cluster }) => {
    const modules = modulesOf(host, cluster);
    return [
      'prometheus-exporter-exporter',
      'prometheus-node-exporter',
      ...(['postgres', 'pgbouncer', 'pgbackrest'] as const)
        .filter((module) => modules.includes(module))
        .map((module) => `prometheus-${module}-exporter`),
      'openssl',
    ];
  },
  minimum: MINIMUM,
  prepare: exportersPrepare,
  certificates: exportersCertificates,
  traffic: (host, cluster) => {
    const { port, external } = cluster.settings.monitoring;
    return [
      ...fromHosts(host, hostsWith(cluster, 'monitoring'), port, 'metrics'),
      ...fromNetworks(external?.from ?? [], port, 'metrics'),
    ];
  },
};
