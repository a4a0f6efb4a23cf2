import { type Cluster, dcsRole } from '../../src/inventory/model.ts';
import { etcdMembers } from './etcd.ts';
import type { DcsMembers } from './members.ts';
import { zookeeperMembers } from './zookeeper.ts';

/** The member operations of the cluster's DCS; undefined for an external one. */
export function dcsMembers(cluster: Cluster): DcsMembers | undefined {
  const role = dcsRole(cluster);
  return role && { etcd: etcdMembers, zookeeper: zookeeperMembers }[role];
}
