import type { Cluster } from '../inventory/model.ts';
import { CURL } from '../programs/curl.ts';
import { json } from '../programs/json.ts';
import { type Answer, curlSilence } from './answer.ts';
import { type DcsView, nameOf } from './dcs-view.ts';
import type { Question } from './question.ts';

/** The address of ZooKeeper's AdminServer, which listens on loopback only (ZooKeeper Administrator's Guide, "The AdminServer"). */
export const zookeeperAdmin = ({ settings }: Cluster): string =>
  `http://127.0.0.1:${settings.zookeeper.admin_port}/commands`;

/** A ZooKeeper member's report on itself and the others. */
export type ZookeeperMember = Pick<DcsView, 'healthy' | 'id' | 'leader' | 'members'>;

/**
 * The host's ZooKeeper member; null when none runs. A member without a quorum leaves the phase "broadcast" and serves
 * no client (ZooKeeper, ZAB).
 */
export const zookeeper: Question<Answer<ZookeeperMember | null>> = {
  about: 'members',
  of: (_cluster, { roles }) => roles.has('zookeeper'),
  script: (cluster) =>
    `${CURL} -s --max-time 3 -w '\\n--\\n' ${['zabstate', 'leader', 'voting_view'].map((word) => `${zookeeperAdmin(cluster)}/${word}`).join(' ')}; echo "code $?"`,
  read(answer, cluster) {
    const [state, leader, view] = answer.split(/^--$/m).map((part) => json(part));
    if (!state) {
      const reason = curlSilence(/^code (\d+)$/m.exec(answer)?.[1]);
      return reason === undefined ? { said: null } : { silent: reason };
    }
    const servers = view?.current_config as
      | Record<string, { server_addresses: string[]; learner_type: string }>
      | undefined;
    return {
      said: {
        healthy: state.zabstate === 'broadcast',
        id: String(state.myid ?? ''),
        leader: String(leader?.leader_id ?? ''),
        members:
          servers &&
          Object.entries(servers).map(([id, { server_addresses, learner_type }]) => ({
            id,
            name: nameOf(cluster, server_addresses[0]),
            peer: server_addresses[0] ?? '',
            learner: learner_type === 'observer',
          })),
      },
    };
  },
};
