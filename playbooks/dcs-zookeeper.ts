import { zookeeperCli } from '../roles/zookeeper/cli.ts';
import { firstMembers, joinScript, serverId, serverLine } from '../roles/zookeeper/zookeeper.ts';
import { dcsPeer } from '../src/cluster/dcs.ts';
import { verdict } from '../src/cluster/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { StepFailed } from '../src/errors.ts';
import { dcsHosts, type Host } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import { setContentsAside } from '../src/programs/files.ts';
import { quote, words } from '../src/shell/quote.ts';
import type { DcsMembers } from './dcs.ts';

/** Seconds for a member to start and to get everything from the one that leads. */
const MEMBER_S = 120;

/** POSIX sh that removes the member with this peer address, asked of `others`; nothing when it is gone already. */
const removeMember = (
  op: Operation,
  host: Host,
  others: readonly Host[],
): string => `${zookeeperCli(op.cluster, others)}
now=$(zk config 2>/dev/null | grep '^server\\.') || { echo 'the others do not answer'; exit 1; }
id=$(printf '%s\\n' "$now" | grep -F ${quote(`=${dcsPeer(op.cluster, host)}:`)} | sed 's/^server\\.\\([0-9]*\\)=.*/\\1/')
[ -z "$id" ] || zk reconfig -remove "$id" 2>&1 | tail -n 3
now=$(zk config 2>/dev/null | grep '^server\\.') || exit 1
! printf '%s\\n' "$now" | grep -qF ${quote(`=${dcsPeer(op.cluster, host)}:`)}`;

/** `/service/main/initialize` is below `/service` and `/service/main`, which must be there before it. */
const parents = (key: string): string[] => {
  const names = key.split('/').slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
};

export const zookeeperMembers: DcsMembers = {
  unit: 'zookeeper.service',
  joined: undefined,

  async leave(op, host) {
    const others = dcsHosts(op.cluster).filter((one) => one !== host && !op.isAway(one));
    await op.step(others[0]!, `ZooKeeper member ${host.name} leaves`, 'zookeeper', 'remove', (remote) =>
      remote.run(removeMember(op, host, others), 90),
    );
  },

  remains: ({ dcs }) => `d=${quote(dcs.dataDir)}
case "$(systemctl is-active zookeeper)" in active|activating) echo active ;; esac
[ -s "$d/myid" ] && ls "$d/version-2" 2>/dev/null | grep -qE '^(log|snapshot)[.]' && echo data
echo "size $(du -sb "$d/version-2" 2>/dev/null | cut -f 1)"
echo "written $(stat -c %Y "$d"/version-2/* 2>/dev/null | sort -n | tail -n 1)"`,

  replacement:
    'what is left of its data is moved aside, and it starts anew with its number: everything comes from the one that leads',

  async replace(op, host) {
    const { cluster } = op;
    const snapshot = await op.look();
    if (snapshot.dcs.members.length === 0)
      throw new StepFailed(host.name, 'start anew', 'no member of ZooKeeper tells who the others are');
    const data = quote(cluster.dcs.dataDir);
    await op.step(host, 'start anew', 'zookeeper', 'create', async (remote) => {
      await remote.run(
        `set -e
systemctl stop zookeeper; systemctl reset-failed zookeeper 2>/dev/null || true
${setContentsAside(cluster.dcs.dataDir, 'broken-$(date +%s)')}
install -d -o zookeeper -g zookeeper -m 0700 ${data} ${data}/conf
printf '%s\\n' ${serverId(host, cluster, snapshot)} > ${data}/myid
printf '%s' ${quote(firstMembers(host, cluster, snapshot))} > ${data}/conf/members.initial
chown zookeeper:zookeeper ${data}/myid ${data}/conf/members.initial
timeout 60 systemctl start zookeeper`,
        90,
      );
      // One that had a vote has it still; another one asks for it as soon as it is in step.
      await op.until(
        host,
        'voting',
        MEMBER_S,
        ({ dcs }) =>
          verdict(
            dcs.members.some((one) => one.name === host.name && one.healthy)
              ? []
              : [`ZooKeeper on ${host.name} has no vote yet`],
          ),
        {
          doing: async () => {
            const { output } = await op.session.ask(host, joinScript(host, cluster), 60);
            return output.trim().split('\n').at(-1) || 'waiting for a vote';
          },
        },
      );
    });
  },

  /** It starts with a list of members that has only itself (ZooKeeper Dynamic Reconfiguration, "dynamicConfigFile"). */
  alone(cluster, host) {
    const data = quote(cluster.dcs.dataDir);
    return `set -e
umask 077
systemctl stop zookeeper
mkdir -p ${PATHS.state}/zookeeper
cp -a ${data} ${PATHS.state}/zookeeper/before-recovery-$(date +%s)
id=$(cat ${data}/myid)
rm -f ${data}/conf/zoo.cfg.dynamic.*
printf '%s\\n' "${serverLine('$id', dcsPeer(cluster, host), cluster)}" > ${data}/conf/members.initial
chown zookeeper:zookeeper ${data}/conf/members.initial
timeout 60 systemctl start zookeeper`;
  },

  create: (cluster, host, key, value) => `${zookeeperCli(cluster, [host])}
for p in ${words(...parents(key))}; do zk create "$p" '' >/dev/null 2>&1; done
zk create ${quote(key)} ${quote(value)} 2>&1 | tail -n 2
zk get ${quote(key)} 2>/dev/null | grep -qxF ${quote(value)}`,

  forget(cluster, host, keys, directories, stamp) {
    const scope = cluster.dcsPath.replace(/\/$/, '');
    const all = [...keys, ...directories].join(' ');
    return `set -e
umask 077
mkdir -p ${PATHS.state}/zookeeper
${zookeeperCli(cluster, [host])}
zk config >/dev/null 2>&1 || { echo 'ZooKeeper does not answer'; exit 1; }
{
  zk ls -R ${scope} 2>/dev/null || true
  for k in config ${keys.join(' ')}; do echo "== $k"; zk get ${scope}/$k 2>/dev/null | tail -n 1 || true; done
} > ${PATHS.state}/zookeeper/scope-before-restore-${stamp}.txt
for k in ${all}; do zk deleteall ${scope}/$k >/dev/null 2>&1 || true; done
left=$(zk ls -R ${scope} 2>&1) || case "$left" in *'Node does not exist'*) left= ;; *) printf '%s\\n' "$left" | tail -n 2; exit 1 ;; esac
for k in ${all}; do
  if printf '%s\\n' "$left" | grep -qxF "${scope}/$k"; then echo "$k is still there"; exit 1; fi
done`;
  },
};
