import { hostsWith, hostsWithAny } from '../../src/inventory/model.ts';
import type { Role } from '../role.ts';
import { fromHosts } from '../traffic.ts';
import { zookeeperCertificates, zookeeperPackages, zookeeperPrepare } from './zookeeper.ts';

export const zookeeperRole: Role = {
  packages: () => zookeeperPackages,
  prepare: zookeeperPrepare,
  certificates: zookeeperCertificates,
  traffic: (host, cluster) => {
    const { client_port, peer_port, election_port } = cluster.settings.zookeeper;
    const peers = hostsWith(cluster, 'zookeeper');
    return [
      ...fromHosts(host, hostsWithAny(cluster, 'zookeeper', 'patroni'), client_port, 'zookeeper clients'),
      ...fromHosts(host, peers, peer_port, 'zookeeper peers'),
      ...fromHosts(host, peers, election_port, 'zookeeper election'),
    ];
  },
};
