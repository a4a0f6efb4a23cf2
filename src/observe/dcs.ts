import type { Cluster } from '../inventory/model.ts';
import { type Answer, said, silence } from './answer.ts';
import type { DcsKeys } from './dcs-keys.ts';
import type { DcsView } from './dcs-view.ts';
import type { ZookeeperMember } from './zookeeper.ts';

/** The answers of a host about the DCS, by the program that was asked. */
export interface DcsAnswers {
  etcd: Answer<DcsView | null> | undefined;
  zookeeper: Answer<ZookeeperMember | null> | undefined;
  keys: Answer<DcsKeys | null> | undefined;
}

/** Joins one host's answers about the DCS; null when nothing of it runs there. */
export function joinDcs({ etcd, zookeeper, keys }: DcsAnswers, cluster: Cluster): Answer<DcsView | null> | undefined {
  if (etcd) return etcd;
  if (!zookeeper && !keys) return undefined;
  const [member, kept] = [said(zookeeper), said(keys)];
  if (!member && !kept) {
    // Keys are read through any member: whether one runs here, only its own answer says.
    const reason = zookeeper ? silence(zookeeper) : silence(keys);
    return reason === undefined ? { said: null } : { silent: reason };
  }
  return {
    said: {
      // Only members of our own DCS report a quorum; an external one is only known to answer.
      ...(member ?? { healthy: cluster.dcs.external !== undefined, id: '', leader: '', members: undefined }),
      ...(kept ?? { initialize: undefined, failsafe: [], blind: true }),
    },
  };
}
