import { hostsWith } from '../../src/inventory/model.ts';
import type { Role } from '../role.ts';
import { fromHosts } from '../traffic.ts';
import { pgbackrestMinimum, pgbackrestPackages, repositoryPackages } from './pgbackrest.ts';

export const pgbackrestRole: Role = {
  packages: (_host, { cluster }) => [...pgbackrestPackages, ...repositoryPackages(cluster)],
  minimum: pgbackrestMinimum,
  traffic: (host, cluster) =>
    fromHosts(host, hostsWith(cluster, 'patroni'), cluster.settings.pgbackrest.port, 'pgbackrest'),
};
