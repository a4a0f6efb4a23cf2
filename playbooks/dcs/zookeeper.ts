import {
  firstMembers,
  joinScript,
  serverId,
  zookeeperClients,
  zookeeperMember,
} from '../../roles/zookeeper/zookeeper.ts';
import { START_UNIT_S } from '../../src/bounds/hosts.ts';
import { dcsMember } from '../../src/bounds/patroni.ts';
import { DCS_ASK_S, DCS_CHANGE_S } from '../../src/bounds/programs.ts';
import { verdict } from '../../src/decisions/verdict.ts';
import { StepFailed } from '../../src/errors.ts';
import { dcsPeer } from '../../src/inventory/dcs.ts';
import { dcsHosts } from '../../src/inventory/model.ts';
import { setContentsAside } from '../../src/programs/files.ts';
import { start, stop } from '../../src/programs/systemd.ts';
import { createKey, deleteKeys, goOnAlone, memberRemains, removeMember } from '../../src/programs/zookeeper.ts';
import { quote } from '../../src/shell/quote.ts';
import type { DcsMembers } from './members.ts';

export const zookeeperMembers: DcsMembers = {
  unit: 'zookeeper.service',
  joined: undefined,

  async leave(op, host) {
    const others = dcsHosts(op.cluster).filter((one) => one !== host && !op.isUnreachable(one));
    await op.step(others[0]!, `ZooKeeper member ${host.name} leaves`, 'zookeeper', 'remove', (remote) =>
      remote.run(removeMember(dcsPeer(op.cluster, host), zookeeperClients(op.cluster, others)), DCS_CHANGE_S),
    );
  },

  remains: ({ dcs }) => memberRemains(dcs.dataDir),

  replacement:
    'what is left of its data is moved aside, and it starts empty with its number: it copies everything from the leader',

  async replace(op, host) {
    const { cluster } = op;
    const snapshot = await op.observe();
    if (snapshot.dcs.members.length === 0)
      throw new StepFailed(host.name, 'start anew', 'no member of ZooKeeper lists the others');
    const data = quote(cluster.dcs.dataDir);
    await op.step(host, 'start anew', 'zookeeper', 'create', async (remote) => {
      await remote.run(
        `set -e
${stop('zookeeper.service')}
${setContentsAside(cluster.dcs.dataDir, 'broken-$(date +%s)')}
install -d -o zookeeper -g zookeeper -m 0700 ${data} ${data}/conf
printf '%s\\n' ${serverId(host, cluster, snapshot)} > ${data}/myid
printf '%s' ${quote(firstMembers(host, cluster, snapshot))} > ${data}/conf/members.initial
chown zookeeper:zookeeper ${data}/myid ${data}/conf/members.initial
${start('zookeeper.service', START_UNIT_S)}`,
        DCS_CHANGE_S,
      );
      // A member that had a vote still has it; any other one asks for it as soon as it has caught up.
      await op.until(
        host,
        'voting',
        dcsMember(cluster.timing),
        ({ dcs }) =>
          verdict(
            dcs.members.some((one) => one.name === host.name && one.healthy)
              ? []
              : [`ZooKeeper on ${host.name} has no vote yet`],
          ),
        {
          doing: async () => {
            const { output } = await op.session.ask(host, joinScript(host, cluster), DCS_ASK_S);
            return output.trim().split('\n').at(-1) || 'waiting for a vote';
          },
        },
      );
    });
  },

  alone: (cluster, host) => goOnAlone(zookeeperMember(host, cluster)),

  create: (cluster, host, key, value) => createKey(zookeeperClients(cluster, [host]), key, value),

  deleteKeys: (cluster, host, keys, directories, stamp) =>
    deleteKeys(zookeeperClients(cluster, [host]), cluster.dcsPath.replace(/\/$/, ''), { keys, directories, stamp }),
};
