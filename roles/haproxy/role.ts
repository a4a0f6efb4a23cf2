import type { Role } from '../role.ts';
import { clientSources, fromNetworks } from '../traffic.ts';
import { haproxyMinimum, haproxyPackages, haproxyPrepare } from './haproxy.ts';

export const haproxyRole: Role = {
  packages: () => haproxyPackages,
  minimum: haproxyMinimum,
  prepare: haproxyPrepare,
  traffic: (_host, cluster) =>
    Object.entries(cluster.settings.haproxy.ports).flatMap(([name, port]) =>
      fromNetworks(clientSources(cluster), port, `haproxy ${name}`),
    ),
};
