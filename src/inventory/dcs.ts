import type { Cluster, Host } from './model.ts';
import { hostPort } from './network.ts';

/** Returns the address at which the other members reach this one, in the DCS's own form: an etcd peer URL, a ZooKeeper server address. */
export const dcsPeer = ({ dcs, settings }: Cluster, host: Host): string =>
  dcs.kind === 'etcd'
    ? `https://${hostPort(host.address, settings.etcd.peer_port)}`
    : hostPort(host.address, settings.zookeeper.peer_port);

/** Returns the stable name of the DCS that the cluster uses. */
export const dcsName = ({ dcs }: Cluster): string => (dcs.external ? `external ${dcs.kind}` : dcs.kind);
