import { hostsWith, hostsWithAny, isPooled, memberPort, repositoryHost } from '../../src/inventory/model.ts';
import { pgbackrestMinimum, pgbackrestPackages } from '../pgbackrest/pgbackrest.ts';
import type { Role } from '../role.ts';
import { clientSources, fromHosts, fromNetworks } from '../traffic.ts';
import { patroniCertificates } from './certificates.ts';
import { patroniMinimum, patroniPackages, patroniPrepare } from './patroni.ts';

export const patroniRole: Role = {
  // Database hosts take part in backups when there is a repository.
  packages: (_host, { cluster }) => [
    ...patroniPackages(cluster),
    ...(cluster.repositories.length > 0 ? pgbackrestPackages : []),
  ],
  minimum: { ...patroniMinimum, ...pgbackrestMinimum },
  prepare: patroniPrepare,
  certificates: patroniCertificates,
  traffic: (host, cluster) => {
    const { settings } = cluster;
    const peers = hostsWithAny(cluster, 'patroni', 'haproxy');
    const repository = repositoryHost(cluster);
    return [
      ...fromHosts(host, peers, settings.postgres.port, 'postgresql'),
      ...fromHosts(host, peers, settings.patroni.port, 'patroni rest'),
      ...fromNetworks(
        [...new Set(Object.values(settings.standbys).flat())],
        settings.postgres.port,
        'standby clusters',
      ),
      // With a balancer no client connects to a member directly.
      ...(hostsWith(cluster, 'haproxy').length === 0 && !isPooled(cluster)
        ? fromNetworks(clientSources(cluster), memberPort(cluster), 'clients')
        : []),
      ...(repository ? fromHosts(host, [repository], settings.pgbackrest.port, 'pgbackrest') : []),
    ];
  },
};
