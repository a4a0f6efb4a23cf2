import { hostsWith } from '../../src/inventory/model.ts';
import type { Role } from '../role.ts';
import { clientSources, fromHosts, fromNetworks } from '../traffic.ts';
import { pgbouncerCertificates, pgbouncerMinimum, pgbouncerPackages, pgbouncerPrepare } from './pgbouncer.ts';

export const pgbouncerRole: Role = {
  packages: () => pgbouncerPackages,
  minimum: pgbouncerMinimum,
  prepare: (_host, { cluster }) => pgbouncerPrepare(cluster),
  certificates: pgbouncerCertificates,
  traffic: (host, cluster) => {
    const { port } = cluster.settings.pgbouncer;
    const balancers = hostsWith(cluster, 'haproxy');
    return [
      ...fromHosts(host, balancers, port, 'pgbouncer'),
      ...(balancers.length === 0 ? fromNetworks(clientSources(cluster), port, 'clients') : []),
    ];
  },
};
