import type { Cluster, Host } from './model.ts';
import { hostPort } from './network.ts';

/** Where the other members find this one, as the DCS itself writes it: an etcd peer URL, a ZooKeeper server address. */
export const dcsPeer = ({ dcs, settings }: Cluster, host: Host): string =>
  dcs.kind === 'etcd'
    ? `https://${hostPort(host.address, settings.etcd.peer_port)}`
    : hostPort(host.address, settings.zookeeper.peer_port);

/** What keeps who leads, in a word that stays the same as long as it is the same one. */
export const dcsName = ({ dcs }: Cluster): string => (dcs.external ? `external ${dcs.kind}` : dcs.kind);
