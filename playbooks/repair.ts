import type { Damage, EtcdRemains } from '../src/cluster/decisions/repair.ts';
import { etcdHealthy } from '../src/cluster/decisions/update.ts';
import { verdict } from '../src/cluster/decisions/verdict.ts';
import { PKI } from '../src/cluster/observe.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, type Host, hostsWith } from '../src/inventory/model.ts';
import { hostPort } from '../src/inventory/network.ts';
import { quote } from '../src/shell/quote.ts';
import { etcdctl, joinScript, memberRemove, promoteScript } from '../src/steps/etcd-join.ts';

const INITIAL = '/etc/etcd/initial.env';
/** Seconds for an etcd member to start, to catch up, to vote. */
const ETCD_S = 120;

const clientUrl = (host: Host, { settings }: Cluster): string =>
  `https://${hostPort(host.address, settings.etcd.client_port)}`;
const peerUrl = (host: Host, { settings }: Cluster): string =>
  `https://${hostPort(host.address, settings.etcd.peer_port)}`;

/** Looks at what is left of etcd on each of its hosts; changes nothing. */
export async function etcdRemains(op: Operation): Promise<Map<string, EtcdRemains>> {
  const found = new Map<string, EtcdRemains>();
  for (const host of hostsWith(op.cluster, 'etcd')) {
    const answer = await op.ask(
      host,
      'what is left of etcd',
      `d=${quote(op.cluster.etcdDataDir)}/member
systemctl -q is-active etcd && echo active
[ -s "$d/snap/db" ] && ls "$d/wal/"*.wal >/dev/null 2>&1 && echo data
echo "size $(stat -c %s "$d/snap/db" 2>/dev/null || echo 0)"
echo "written $(stat -c %Y "$d/wal/"*.wal 2>/dev/null | sort -n | tail -n 1)"`,
    );
    found.set(host.name, {
      active: /^active$/m.test(answer),
      data: /^data$/m.test(answer),
      sizeBytes: Number(/^size (\d+)$/m.exec(answer)?.[1] ?? 0),
      written: Number(/^written (\d+)$/m.exec(answer)?.[1] ?? 0),
    });
  }
  return found;
}

/** What is done about a damage, in words. */
export function cureOf(damage: Damage): string {
  switch (damage.kind) {
    case 'start-etcd':
      return 'it is started';
    case 'replace-etcd-member':
      return 'a snapshot is kept, the old member is removed by its id, what is left of its data moved aside, and it joins anew: as a learner, then as a voter';
    case 'recover-quorum':
      return `a copy of its data is kept, it goes on as a cluster of one with everything that it knows, and ${damage.lost.map((host) => host.name).join(', ')} join it, one after another; PostgreSQL goes on meanwhile as far as failsafe mode lets it`;
    case 'refill-dcs':
      return `the key that says which database this is (${damage.systemIdentifier}) is written again, and ${damage.host.name}, which led last, leads first; no database is made anew`;
  }
}

/** Mends one damage. Rejects with StepFailed; every phase can be repeated. */
export async function repair(op: Operation, damage: Damage): Promise<void> {
  op.stage(damage.kind.replaceAll('-', ' '), [damage.host]);
  switch (damage.kind) {
    case 'start-etcd':
      return startEtcd(op, damage.host);
    case 'replace-etcd-member':
      return replaceMember(op, damage.host);
    case 'recover-quorum':
      return recoverQuorum(op, damage.host);
    case 'refill-dcs':
      return refill(op, damage.host, damage.systemIdentifier);
  }
}

const startEtcd = (op: Operation, host: Host): Promise<void> =>
  op.step(host, 'start etcd', 'etcd', 'run', async (remote) => {
    await remote.run('systemctl reset-failed etcd 2>/dev/null; timeout 60 systemctl start --no-block etcd', 70);
    // Without the others it cannot become healthy; whether that is so is what the next look tells.
    await remote.run('sleep 3; systemctl is-active etcd');
  });

async function replaceMember(op: Operation, host: Host): Promise<void> {
  const { cluster } = op;
  const others = hostsWith(cluster, 'etcd').filter((other) => other !== host);
  const { dcs } = await op.look();
  const well = others.filter((other) => dcs.members.some((one) => one.name === other.name && one.healthy));
  await op.step(host, 'set the broken member aside', 'etcd', 'remove', (remote) =>
    remote.run(`systemctl stop etcd; systemctl reset-failed etcd 2>/dev/null
if [ -d ${quote(cluster.etcdDataDir)} ]; then mv -T ${quote(cluster.etcdDataDir)} ${quote(`${cluster.etcdDataDir}.broken-`)}$(date +%s); fi
rm -f ${INITIAL}
install -d -o etcd -g etcd -m 0700 ${quote(cluster.etcdDataDir)}`),
  );
  await op.step(well[0]!, `etcd member ${host.name} leaves`, 'etcd', 'remove', (remote) =>
    remote.run(memberRemove(peerUrl(host, cluster), clientUrl(well[0]!, cluster), PKI.etcd), 60),
  );
  await join(op, host, well);
}

/** A host with an empty data directory becomes a learner, catches up, and votes. */
async function join(op: Operation, host: Host, well: readonly Host[]): Promise<void> {
  const { cluster } = op;
  await op.step(host, 'join etcd', 'etcd', 'create', async (remote) => {
    await remote.run(
      joinScript({
        name: host.name,
        peerUrl: peerUrl(host, cluster),
        endpoints: well.map((other) => clientUrl(other, cluster)),
        pki: PKI.etcd,
        file: INITIAL,
      }),
      90,
    );
    await remote.run('timeout 60 systemctl start etcd', 70);
    await op.until(host, 'voting', ETCD_S, (snapshot) => {
      const member = snapshot.dcs.members.find((one) => one.name === host.name);
      return verdict(member?.healthy || member?.learner ? [] : [`${host.name} is not a member yet`]);
    });
    // etcd promotes a learner only when it is in step with the leader.
    const end = Date.now() + ETCD_S * 1000;
    for (;;) {
      const promoted = await op.session.ask(host, promoteScript(host.name, clientUrl(well[0]!, cluster), PKI.etcd), 30);
      const member = (await op.look()).dcs.members.find((one) => one.name === host.name);
      if (member && !member.learner && member.healthy) return;
      if (Date.now() > end) throw new Error(`not promoted within ${ETCD_S} s: ${promoted.output.trim()}`);
    }
  });
}

/**
 * etcd's "--force-new-cluster" (etcd operations guide, disaster recovery): one member goes on alone with all that it
 * knows. It is given for one start only, from a drop-in that is gone before the unit is started as usual again.
 */
async function recoverQuorum(op: Operation, host: Host): Promise<void> {
  const { cluster } = op;
  const data = cluster.etcdDataDir;
  const others = hostsWith(cluster, 'etcd').filter((other) => other !== host);
  for (const other of others)
    await op.step(other, 'stop etcd', 'etcd', 'run', (remote) =>
      remote.run('systemctl stop etcd; systemctl reset-failed etcd 2>/dev/null; true'),
    );
  await op.step(host, 'go on as a cluster of one', 'etcd', 'run', (remote) =>
    remote.run(
      `set -e
umask 077
systemctl stop etcd
mkdir -p /var/lib/hapg/etcd
cp -a ${quote(data)} /var/lib/hapg/etcd/before-recovery-$(date +%s)
mkdir -p /run/systemd/system/etcd.service.d
printf '[Service]\\nEnvironment=ETCD_FORCE_NEW_CLUSTER=true\\n' > /run/systemd/system/etcd.service.d/hapg-recovery.conf
chmod 0644 /run/systemd/system/etcd.service.d/hapg-recovery.conf
systemctl daemon-reload
timeout 60 systemctl start etcd || failed=1
rm -f /run/systemd/system/etcd.service.d/hapg-recovery.conf
systemctl daemon-reload
[ -z "\${failed-}" ]
${etcdctl(PKI.etcd)} ${quote(`--endpoints=${clientUrl(host, cluster)}`)} endpoint health
systemctl restart etcd`,
      150,
    ),
  );
  await op.until(host, 'etcd of one', ETCD_S, (snapshot) =>
    verdict(snapshot.dcs.quorum ? [] : ['etcd does not answer yet']),
  );
  // The others' copies, if they have one, are of a cluster that is no more.
  for (const other of others) {
    await replaceMember(op, other);
  }
  await op.until(host, 'etcd whole', ETCD_S, (snapshot) => etcdHealthy(cluster, snapshot));
}

/**
 * Writes the initialize key, only if there is none, and lets the last leader lead before any other member starts: alone
 * on an empty DCS, Patroni takes whoever comes first.
 */
async function refill(op: Operation, host: Host, systemIdentifier: string): Promise<void> {
  const { cluster } = op;
  const member = hostsWith(cluster, 'etcd')[0]!;
  const key = `${cluster.dcsPath}initialize`;
  await op.step(member, 'write the initialize key', 'etcd', 'create', (remote) =>
    remote.run(
      `printf 'create("%s") = "0"\n\nput %s %s\n\n\n' ${quote(key)} ${quote(key)} ${quote(systemIdentifier)} | ${etcdctl(PKI.etcd)} ${quote(`--endpoints=${clientUrl(member, cluster)}`)} txn`,
      30,
    ),
  );
  await op.step(host, 'lead', 'patroni', 'run', async (remote) => {
    await remote.run('systemctl reset-failed patroni 2>/dev/null; systemctl start patroni', 130);
    await op.until(host, 'leading', cluster.timing.patroni.ttl * 3, ({ leaders, initialize }) =>
      verdict([
        ...(initialize === systemIdentifier ? [] : [`the initialize key is ${initialize ?? 'absent'}`]),
        ...(leaders.join() === host.name ? [] : [`${leaders.join(' and ') || 'nobody'} leads`]),
      ]),
    );
  });
}
