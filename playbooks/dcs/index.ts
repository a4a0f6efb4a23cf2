import { type Cluster, dcsRole } from '../../src/inventory/model.ts';
import { etcdMembers } from './etcd.ts';
import type { DcsMembers } from './members.ts';
import { zookeeperMembers } from './zookeeper.ts';

/** Undefined for a DCS that somebody else looks after. */
export function dcsMembers(cluster: Cluster): DcsMembers | undefined {
  const role = dcsRole(cluster);
  return role && { etcd: etcdMembers, zookeeper: zookeeperMembers }[role];
}
