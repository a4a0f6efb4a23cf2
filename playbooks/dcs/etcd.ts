import { clientUrl } from '../../roles/etcd/etcd.ts';
import { ANSWER_S, START_UNIT_S } from '../../src/bounds/hosts.ts';
import { dcsMember } from '../../src/bounds/patroni.ts';
import { DCS_CHANGE_S, QUICK_S } from '../../src/bounds/programs.ts';
import { verdict } from '../../src/decisions/verdict.ts';
import type { Operation } from '../../src/engine/operation.ts';
import { StepFailed } from '../../src/errors.ts';
import { dcsPeer } from '../../src/inventory/dcs.ts';
import { dcsHosts, type Host } from '../../src/inventory/model.ts';
import { ETCD_INITIAL } from '../../src/observe/etcd.ts';
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
} from '../../src/programs/etcd.ts';
import { setContentsAside } from '../../src/programs/files.ts';
import { quote } from '../../src/shell/quote.ts';
import type { DcsMembers } from './members.ts';

export const etcdMembers: DcsMembers = {
  unit: 'etcd.service',
  joined: ETCD_INITIAL,

  async leave(op, host) {
    const { cluster } = op;
    const other = dcsHosts(cluster).find((one) => one !== host && !op.isUnreachable(one))!;
    await op.step(other, `etcd member ${host.name} leaves`, 'etcd', 'remove', (remote) =>
      remote.run(removeMember(dcsPeer(cluster, host), clientUrl(other, cluster)), DCS_CHANGE_S),
    );
  },

  remains: ({ dcs }) => memberRemains(dcs.dataDir),

  replacement:
    'a snapshot is kept, the old member is removed by its id, what is left of its data moved aside, and it joins again: as a learner, then as a voter',

  async replace(op, host) {
    const { cluster } = op;
    const data = quote(cluster.dcs.dataDir);
    const { dcs } = await op.observe(undefined, { about: ['members'] });
    const well = dcsHosts(cluster).filter(
      (other) => other !== host && dcs.members.some((one) => one.name === other.name && one.healthy),
    );
    const [first] = well;
    if (!first)
      throw new StepFailed(host.name, 'replace', `no healthy member of etcd is left that ${host.name} could join`);
    await op.step(host, 'set the broken member aside', 'etcd', 'remove', (remote) =>
      remote.run(`set -e
${STOP_ETCD}
${setContentsAside(cluster.dcs.dataDir, 'broken-$(date +%s)')}
rm -f ${ETCD_INITIAL}
install -d -o etcd -g etcd -m 0700 ${data}`),
    );
    await op.step(first, `etcd member ${host.name} leaves`, 'etcd', 'remove', (remote) =>
      remote.run(removeMember(dcsPeer(cluster, host), clientUrl(first, cluster)), DCS_CHANGE_S),
    );
    await join(op, host, well);
  },

  alone: (cluster, host) => goOnAlone(cluster.dcs.dataDir, clientUrl(host, cluster)),

  create: (cluster, host, key, value) => createKey(clientUrl(host, cluster), key, value),

  deleteKeys: (cluster, host, keys, directories, stamp) =>
    deleteKeys(clientUrl(host, cluster), cluster.dcsPath, { keys, directories, stamp }),
};

/** Joins a host with an empty data directory: as a learner that catches up, then as a voter. */
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
      DCS_CHANGE_S,
    );
    await remote.run(START_ETCD, START_UNIT_S + ANSWER_S);
    await op.until(host, 'voting', dcsMember(cluster.timing), (snapshot) => {
      const member = snapshot.dcs.members.find((one) => one.name === host.name);
      return verdict(member?.healthy || member?.learner ? [] : [`${host.name} is not a member yet`]);
    });
    // etcd promotes a learner only when it has caught up with the leader.
    const end = op.clock.now() + dcsMember(cluster.timing) * 1000;
    for (;;) {
      const promoted = await op.session.ask(host, promoteMember(host.name, clientUrl(well[0]!, cluster)), QUICK_S);
      const member = (await op.observe(undefined, { about: ['members'] })).dcs.members.find(
        (one) => one.name === host.name,
      );
      if (member && !member.learner && member.healthy) return;
      if (op.clock.now() > end)
        throw new Error(`not promoted within ${dcsMember(cluster.timing)} s: ${promoted.output.trim()}`);
      await op.pause(1000);
    }
  });
}
