import { dcsPeer } from '../src/cluster/dcs.ts';
import { verdict } from '../src/cluster/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, dcsHosts, type Host } from '../src/inventory/model.ts';
import { hostPort } from '../src/inventory/network.ts';
import { ETCD_INITIAL } from '../src/observe/etcd.ts';
import { PATHS, PKI } from '../src/paths.ts';
import { setContentsAside } from '../src/programs/files.ts';
import { quote } from '../src/shell/quote.ts';
import { etcdctl, joinScript, memberRemove, promoteScript } from '../src/steps/etcd-join.ts';
import type { DcsMembers } from './dcs.ts';

/** Seconds for a member to start, to catch up, to vote. */
const MEMBER_S = 120;

const clientUrl = (host: Host, { settings }: Cluster): string =>
  `https://${hostPort(host.address, settings.etcd.client_port)}`;

/** etcdctl on a host, asking its own member. */
const ctlOn = (host: Host, cluster: Cluster): string =>
  `${etcdctl(PKI.etcd)} ${quote(`--endpoints=${clientUrl(host, cluster)}`)}`;

export const etcdMembers: DcsMembers = {
  unit: 'etcd.service',
  joined: ETCD_INITIAL,

  async leave(op, host) {
    const { cluster } = op;
    const other = dcsHosts(cluster).find((one) => one !== host && !op.isAway(one))!;
    await op.step(other, `etcd member ${host.name} leaves`, 'etcd', 'remove', (remote) =>
      remote.run(memberRemove(dcsPeer(cluster, host), clientUrl(other, cluster), PKI.etcd), 60),
    );
  },

  remains: ({ dcs }) => `d=${quote(dcs.dataDir)}/member
case "$(systemctl is-active etcd)" in active|activating) echo active ;; esac
[ -s "$d/snap/db" ] && ls "$d/wal/"*.wal >/dev/null 2>&1 && echo data
echo "size $(stat -c %s "$d/snap/db" 2>/dev/null || echo 0)"
echo "written $(stat -c %Y "$d/wal/"*.wal 2>/dev/null | sort -n | tail -n 1)"`,

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
systemctl stop etcd
systemctl reset-failed etcd 2>/dev/null || true
${setContentsAside(cluster.dcs.dataDir, 'broken-$(date +%s)')}
rm -f ${ETCD_INITIAL}
install -d -o etcd -g etcd -m 0700 ${data}`),
    );
    await op.step(well[0]!, `etcd member ${host.name} leaves`, 'etcd', 'remove', (remote) =>
      remote.run(memberRemove(dcsPeer(cluster, host), clientUrl(well[0]!, cluster), PKI.etcd), 60),
    );
    await join(op, host, well);
  },

  /**
   * etcd's "--force-new-cluster" (etcd operations guide, disaster recovery), given for one start only, from a drop-in that
   * is gone before the unit is started as usual again.
   */
  alone: (cluster, host) => `set -e
umask 077
systemctl stop etcd
mkdir -p ${PATHS.state}/etcd
cp -a ${quote(cluster.dcs.dataDir)} ${PATHS.state}/etcd/before-recovery-$(date +%s)
mkdir -p /run/systemd/system/etcd.service.d
printf '[Service]\\nEnvironment=ETCD_FORCE_NEW_CLUSTER=true\\n' > /run/systemd/system/etcd.service.d/hapg-recovery.conf
chmod 0644 /run/systemd/system/etcd.service.d/hapg-recovery.conf
systemctl daemon-reload
timeout 60 systemctl start etcd || failed=1
rm -f /run/systemd/system/etcd.service.d/hapg-recovery.conf
systemctl daemon-reload
[ -z "\${failed-}" ]
${ctlOn(host, cluster)} endpoint health
systemctl restart etcd`,

  create: (cluster, host, key, value) =>
    `printf 'create("%s") = "0"\n\nput %s %s\n\n\n' ${quote(key)} ${quote(key)} ${quote(value)} | ${ctlOn(host, cluster)} txn`,

  forget(cluster, host, keys, directories, stamp) {
    const ctl = ctlOn(host, cluster);
    return `set -e
umask 077
mkdir -p ${PATHS.state}/etcd
${ctl} get --prefix ${quote(cluster.dcsPath)} -w json > ${PATHS.state}/etcd/scope-before-restore-${stamp}.json
for k in ${keys.join(' ')}; do ${ctl} del ${cluster.dcsPath}$k >/dev/null; done
for d in ${directories.join(' ')}; do ${ctl} del --prefix ${cluster.dcsPath}$d/ >/dev/null; done`;
  },
};

/** A host with an empty data directory becomes a learner, catches up, and votes. */
async function join(op: Operation, host: Host, well: readonly Host[]): Promise<void> {
  const { cluster } = op;
  await op.step(host, 'join etcd', 'etcd', 'create', async (remote) => {
    await remote.run(
      joinScript({
        name: host.name,
        peerUrl: dcsPeer(cluster, host),
        endpoints: well.map((other) => clientUrl(other, cluster)),
        pki: PKI.etcd,
        file: ETCD_INITIAL,
      }),
      90,
    );
    await remote.run('timeout 60 systemctl start etcd', 70);
    await op.until(host, 'voting', MEMBER_S, (snapshot) => {
      const member = snapshot.dcs.members.find((one) => one.name === host.name);
      return verdict(member?.healthy || member?.learner ? [] : [`${host.name} is not a member yet`]);
    });
    // etcd promotes a learner only when it is in step with the leader.
    const end = Date.now() + MEMBER_S * 1000;
    for (;;) {
      const promoted = await op.session.ask(host, promoteScript(host.name, clientUrl(well[0]!, cluster), PKI.etcd), 30);
      const member = (await op.look()).dcs.members.find((one) => one.name === host.name);
      if (member && !member.learner && member.healthy) return;
      if (Date.now() > end) throw new Error(`not promoted within ${MEMBER_S} s: ${promoted.output.trim()}`);
    }
  });
}
