import { hostsWith, hostsWithAny } from '../../src/inventory/model.ts';
import type { Role } from '../role.ts';
import { fromHosts } from '../traffic.ts';
import { etcdCertificates, etcdMinimum, etcdPackages, etcdPrepare } from './etcd.ts';

export const etcdRole: Role = {
  packages: () => etcdPackages,
  minimum: etcdMinimum,
  prepare: etcdPrepare,
  certificates: etcdCertificates,
  traffic: (host, cluster) => [
    ...fromHosts(host, hostsWithAny(cluster, 'etcd', 'patroni'), cluster.settings.etcd.client_port, 'etcd clients'),
    ...fromHosts(host, hostsWith(cluster, 'etcd'), cluster.settings.etcd.peer_port, 'etcd peers'),
  ],
};
