import { clientUrl } from '../roles/etcd/etcd.ts';
import { dcsPeer } from '../src/cluster/dcs.ts';
import { verdict } from '../src/cluster/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { dcsHosts, type Host } from '../src/inventory/model.ts';
import { ETCD_INITIAL } from '../src/observe/etcd.ts';
import {
  createKey,
  deleteKeys,
  goOnAlone,
  joinMember,
  memberRemains,
  promoteMember,
  removeMember,
  START_ETCD,
  STOP_ETCD,
} from '../src/programs/etcd.ts';
import { setContentsAside } from '../src/programs/files.ts';
import { quote } from '../src/shell/quote.ts';
import type { DcsMembers } from './dcs.ts';

/** Seconds for a member to start, to catch up, to vote. */
const MEMBER_S = 120;

export const etcdMembers: DcsMembers = {
  unit: 'etcd.service',
  joined: ETCD_INITIAL,

  async leave(op, host) {
    const { cluster } = op;
    const other = dcsHosts(cluster).find((one) => one !== host && !op.isAway(one))!;
    await op.step(other, `etcd member ${host.name} leaves`, 'etcd', 'remove', (remote) =>
      remote.run(removeMember(dcsPeer(cluster, host), clientUrl(other, cluster)), 60),
    );
  },

  remains: ({ dcs }) => memberRemains(dcs.dataDir),

  replacement:
    'a snapshot is kept, the old member is removed by its id, what is left of its data moved aside, and it joins anew: as a learner, then as a voter',

  async replace(op, host) {
    const { cluster } = op;
    const data = quote(cluster.dcs.dataDir);
    const { dcs } = await op.look();
    const well = dcsHosts(cluster).filter(
      (other) => other !== host && dcs.members.some((one) => one.name === other.name && one.healthy),
    );
    await op.step(host, 'set the broken member aside', 'etcd', 'remove', (remote) =>
      remote.run(`set -e
${STOP_ETCD}
${setContentsAside(cluster.dcs.dataDir, 'broken-$(date +%s)')}
rm -f ${ETCD_INITIAL}
install -d -o etcd -g etcd -m 0700 ${data}`),
    );
    await op.step(well[0]!, `etcd member ${host.name} leaves`, 'etcd', 'remove', (remote) =>
      remote.run(removeMember(dcsPeer(cluster, host), clientUrl(well[0]!, cluster)), 60),
    );
    await join(op, host, well);
  },

  alone: (cluster, host) => goOnAlone(cluster.dcs.dataDir, clientUrl(host, cluster)),

  create: (cluster, host, key, value) => createKey(clientUrl(host, cluster), key, value),

  forget: (cluster, host, keys, directories, stamp) =>
    deleteKeys(clientUrl(host, cluster), cluster.dcsPath, { keys, directories, stamp }),
};

/** A host with an empty data directory becomes a learner, catches up, and votes. */
async function join(op: Operation, host: Host, well: readonly Host[]): Promise<void> {
  const { cluster } = op;
  await op.step(host, 'join etcd', 'etcd', 'create', async (remote) => {
    await remote.run(
      joinMember({
        name: host.name,
        peerUrl: dcsPeer(cluster, host),
        endpoints: well.map((other) => clientUrl(other, cluster)),
        file: ETCD_INITIAL,
      }),
      90,
    );
    await remote.run(START_ETCD, 70);
    await op.until(host, 'voting', MEMBER_S, (snapshot) => {
      const member = snapshot.dcs.members.find((one) => one.name === host.name);
      return verdict(member?.healthy || member?.learner ? [] : [`${host.name} is not a member yet`]);
    });
    // etcd promotes a learner only when it is in step with the leader.
    const end = Date.now() + MEMBER_S * 1000;
    for (;;) {
      const promoted = await op.session.ask(host, promoteMember(host.name, clientUrl(well[0]!, cluster)), 30);
      const member = (await op.look()).dcs.members.find((one) => one.name === host.name);
      if (member && !member.learner && member.healthy) return;
      if (Date.now() > end) throw new Error(`not promoted within ${MEMBER_S} s: ${promoted.output.trim()}`);
    }
  });
}
