import type { Cluster } from '../inventory/model.ts';
import { type Answer, said, silence } from './answer.ts';
import type { DcsKeys } from './dcs-keys.ts';
import type { DcsView } from './dcs-view.ts';
import type { ZookeeperMember } from './zookeeper.ts';

/** What a host was asked about the DCS, each by whom it concerns. */
export interface DcsAnswers {
  etcd: Answer<DcsView | null> | undefined;
  zookeeper: Answer<ZookeeperMember | null> | undefined;
  keys: Answer<DcsKeys | null> | undefined;
}

/** Puts together what one host said about the DCS; null where nothing of it runs there. */
export function joinDcs({ etcd, zookeeper, keys }: DcsAnswers, cluster: Cluster): Answer<DcsView | null> | undefined {
  if (etcd) return etcd;
  if (!zookeeper && !keys) return undefined;
  const [member, kept] = [said(zookeeper), said(keys)];
  if (!member && !kept) {
    const reason = silence(zookeeper) ?? silence(keys);
    return reason === undefined ? { said: null } : { silent: reason };
  }
  return {
    said: {
      // Whether a quorum of our own is there is for its members to say; of others' we only know that it answers.
      ...(member ?? { healthy: cluster.dcs.external !== undefined, id: '', leader: '', members: undefined }),
      ...(kept ?? { initialize: undefined, failsafe: [], blind: true }),
    },
  };
}
