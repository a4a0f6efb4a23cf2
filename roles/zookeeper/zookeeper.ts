import type { Snapshot } from '../../src/cluster/snapshot.ts';
import { dcsPeer } from '../../src/inventory/dcs.ts';
import { type Cluster, type Host, hostsWith } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { zookeeperAdmin } from '../../src/observe/zookeeper.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { ADMIN, askForVote, CLASS_PATH, isVoter, type Member } from '../../src/programs/zookeeper.ts';
import { render } from '../../src/render.ts';
import { account } from '../../src/steps/account.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { dataDirectory } from '../../src/steps/data-directory.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { ready } from '../../src/steps/ready.ts';
import { restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';

const role = 'zookeeper';
const UNIT = 'zookeeper.service';
const OWNER = { owner: 'zookeeper', group: 'zookeeper' };
const START = '/usr/local/sbin/hapg-zookeeper-start';

/** Packages of ZooKeeper as a library only: Debian's package `zookeeper` depends on a Java with a desktop. */
export const zookeeperPackages = ['libzookeeper-java', 'default-jre-headless', 'openssl', 'curl'];

export const zookeeperPrepare = (): Step[] => [account(role, 'zookeeper')];

/** Steps for the clients' keys. The server's own keys come with the server, which reads them only at a start. */
export const zookeeperCertificates = (host: Host, { secrets, renewIssuedBefore }: Context): Step[] => [
  directory(role, '/etc/zookeeper'),
  directory(role, PKI.zookeeper, { mode: '0755' }),
  certificate(role, {
    path: `${PKI.zookeeper}/admin`,
    owner: 'root',
    group: 'root',
    authority: secrets.authority('zookeeper'),
    commonName: ADMIN,
    dns: [host.name],
    ips: [],
    issuedSince: renewIssuedBefore,
  }),
];

/**
 * Returns a member's number: the one it is known by; in a new ensemble its place in the inventory; else the first free
 * one. ZooKeeper allows 1 to 255 (Administrator's Guide, "myid").
 */
export function serverId(host: Host, cluster: Cluster, { dcs }: Snapshot): number {
  const known = dcs.members.find((member) => member.peer === dcsPeer(cluster, host));
  if (known) return Number(known.id);
  if (dcs.members.length === 0) return hostsWith(cluster, 'zookeeper').indexOf(host) + 1;
  const taken = new Set(dcs.members.map((member) => Number(member.id)));
  let id = 1;
  while (taken.has(id)) id++;
  return id;
}

/**
 * Returns one line of the ensemble's configuration; `id` may be a variable of sh. A member cannot be added without a
 * client address (3.9, "each server should have 3 ports specified"), so it is loopback, and clients without a
 * certificate are rejected.
 */
export const serverLine = (id: number | string, peer: string, { settings: { zookeeper } }: Cluster): string =>
  `server.${id}=${peer}:${zookeeper.election_port}:participant;127.0.0.${id}:${zookeeper.local_port}`;

/** Returns the members for a member's first start; later the ensemble itself keeps the list. */
export function firstMembers(host: Host, cluster: Cluster, snapshot: Snapshot): string {
  const own = serverId(host, cluster, snapshot);
  const others =
    snapshot.dcs.members.length > 0
      ? snapshot.dcs.members.map((member): [number, string] => [Number(member.id), member.peer])
      : hostsWith(cluster, 'zookeeper').map((one): [number, string] => [
          serverId(one, cluster, snapshot),
          dcsPeer(cluster, one),
        ]);
  const all = new Map([...others, [own, dcsPeer(cluster, host)] as const]);
  return [...all].map(([id, peer]) => `${serverLine(id, peer, cluster)}\n`).join('');
}

/** Steps for configuration and membership of one member; all that needs a restart is here, since this stage keeps the quorum. */
export function zookeeper(host: Host, context: Context): Step[] {
  const { cluster, secrets, snapshot } = context;
  const { dataDir } = cluster.dcs;
  const again = { notify: [restart(UNIT)] };
  return [
    file(role, START, render('zookeeper/start.sh', { dataDir, pki: PKI.zookeeper }), { mode: '0755', ...again }),
    file(
      role,
      `/etc/systemd/system/${UNIT}`,
      render('zookeeper/zookeeper.service', {
        cluster: cluster.name,
        dataDir,
        heapMiB: cluster.settings.zookeeper.heap_mb,
        classPath: CLASS_PATH,
        start: START,
      }),
      again,
    ),
    certificate(
      role,
      {
        path: `${PKI.zookeeper}/server`,
        ...OWNER,
        authority: secrets.authority('zookeeper'),
        commonName: host.name,
        dns: [host.name],
        ips: [host.address],
        issuedSince: context.renewIssuedBefore,
      },
      again,
    ),
    dataDirectory(role, dataDir, OWNER.owner, ['0700']),
    directory(role, `${dataDir}/conf`, { ...OWNER, mode: '0700' }),
    file(role, `${PKI.zookeeper}/ca.crt`, secrets.trusted('zookeeper'), again),
    file(
      role,
      '/etc/zookeeper/zoo.cfg',
      render('zookeeper/zoo.cfg', {
        ...cluster.settings.zookeeper,
        ...cluster.timing.zookeeper,
        dataDir,
        address: host.address,
        admin: ADMIN,
        maxSessionMs: cluster.timing.patroni.ttl * 2000,
      }),
      again,
    ),
    // The member's number and first members are written once; ZooKeeper keeps the list of members later.
    file(role, `${dataDir}/myid`, `${serverId(host, cluster, snapshot)}\n`, { ...OWNER, once: true }),
    file(role, `${dataDir}/conf/members.initial`, firstMembers(host, cluster, snapshot), { ...OWNER, once: true }),
    unit(role, UNIT, { timeout: 60 }),
    ready(role, 'zookeeper voter', {
      check: isVoter(zookeeperAdmin(cluster)),
      act: joinScript(host, cluster),
      doing: 'waiting for ZooKeeper',
      timeoutSeconds: 120,
    }),
  ];
}

/** Returns the client addresses of these hosts. */
export const zookeeperClients = (cluster: Cluster, hosts: readonly Host[]): string[] =>
  hosts.map((host) => hostPort(host.address, cluster.settings.zookeeper.client_port));

/** Returns a host as a member, whatever its number. */
export const zookeeperMember = (host: Host, cluster: Cluster): Member => {
  const peer = dcsPeer(cluster, host);
  return { dataDir: cluster.dcs.dataDir, peer, admin: zookeeperAdmin(cluster), line: serverLine('$id', peer, cluster) };
};

/** POSIX sh that asks for a vote for this host, when there are other members. */
export function joinScript(host: Host, cluster: Cluster): string {
  const others = hostsWith(cluster, 'zookeeper').filter((other) => other !== host);
  return others.length === 0 ? ':' : askForVote(zookeeperMember(host, cluster), zookeeperClients(cluster, others));
}
