import { dcsPeer } from '../../src/inventory/dcs.ts';
import { LOOPBACK_PORTS } from '../../src/inventory/exporters.ts';
import { type Cluster, type Host, hostsWith, monitored } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { ETCD_INITIAL } from '../../src/observe/etcd.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { isVoter, promoteMember } from '../../src/programs/etcd.ts';
import { render } from '../../src/render.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { dataDirectory } from '../../src/steps/data-directory.ts';
import { directory } from '../../src/steps/directory.ts';
import { etcdJoin } from '../../src/steps/etcd-join.ts';
import { file } from '../../src/steps/file.ts';
import { ready } from '../../src/steps/ready.ts';
import { restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';

const role = 'etcd';
const UNIT = 'etcd.service';
/** The package's own directory, and the home of its account. */
const HOME = '/var/lib/etcd';
const ETCD = { owner: 'etcd', group: 'etcd' };

export const etcdPackages = ['etcd-server', 'etcd-client', 'openssl', 'curl'];
export const etcdMinimum = { 'etcd-server': '3.4' };

/** Returns a member's client URL. */
export const clientUrl = (host: Host, cluster: Cluster): string =>
  `https://${hostPort(host.address, cluster.settings.etcd.client_port)}`;

/** Steps before the package: hapg's own unit, so that the installation starts nothing. */
export const etcdPrepare = (_host: Host, { cluster }: Context): Step[] => [
  file(
    role,
    '/etc/systemd/system/etcd.service',
    render('etcd/etcd.service', { cluster: cluster.name, dataDir: cluster.dcs.dataDir }),
  ),
];

export const etcdCertificates = (host: Host, { secrets, renewIssuedBefore }: Context): Step[] => {
  const authority = secrets.authority('etcd');
  return [
    directory(role, '/etc/etcd'),
    directory(role, PKI.etcd, { mode: '0755' }),
    // etcd reads its leaf certificate on every new connection, so a renewal needs no restart.
    certificate(role, {
      path: `${PKI.etcd}/server`,
      ...ETCD,
      authority,
      commonName: host.name,
      dns: [host.name, 'localhost'],
      ips: [host.address, '127.0.0.1'],
      issuedSince: renewIssuedBefore,
    }),
  ];
};

/** Configuration and membership of one member. */
export function etcd(host: Host, context: Context): Step[] {
  const { cluster, snapshot } = context;
  const known = snapshot.dcs.members.some((member) => member.peer === dcsPeer(cluster, host));
  // A reinstalled machine takes the place of the one that had its name: the old member cannot continue without its
  // data.
  const replaces = known && snapshot.observations.get(host.name)?.newToDcs === true;
  const joining = snapshot.dcs.members.length > 0 && (!known || replaces);
  return [
    // The package restricts its own directory, and leaves it to root when a disk was mounted in it before.
    ...(cluster.dcs.dataDir.startsWith(`${HOME}/`) ? [directory(role, HOME, { ...ETCD, mode: '0700' })] : []),
    dataDirectory(role, cluster.dcs.dataDir, 'etcd', ['0700']),
    // etcd reads the authority once, unlike a leaf (etcd #11555): a change restarts members one by one.
    file(role, `${PKI.etcd}/ca.crt`, context.secrets.trusted('etcd'), { notify: [restart(UNIT)] }),
    file(role, '/etc/etcd/etcd.env', environment(host, context), { notify: [restart(UNIT)] }),
    // etcd reads this only while its data directory is empty, so it is written only once.
    joining
      ? etcdJoin(role, {
          name: host.name,
          replaces,
          peerUrl: dcsPeer(cluster, host),
          endpoints: hostsWith(cluster, 'etcd')
            .filter((other) => other !== host)
            .map((other) => clientUrl(other, cluster)),
          file: ETCD_INITIAL,
        })
      : file(role, ETCD_INITIAL, initial(cluster), { once: true }),
    unit(role, UNIT, { timeout: 120 }),
    ready(role, 'etcd voter', {
      check: isVoter(clientUrl(host, cluster)),
      act: promoteMember(
        host.name,
        clientUrl(hostsWith(cluster, 'etcd').find((other) => other !== host) ?? host, cluster),
      ),
      doing: 'waiting for etcd',
      timeoutSeconds: 120,
    }),
  ];
}

const initial = (cluster: Cluster): string => `# Managed by hapg, written once
ETCD_INITIAL_CLUSTER=${hostsWith(cluster, 'etcd')
  .map((member) => `${member.name}=${dcsPeer(cluster, member)}`)
  .join(',')}
ETCD_INITIAL_CLUSTER_STATE=new
ETCD_INITIAL_CLUSTER_TOKEN=${cluster.name}
`;

function environment(host: Host, { cluster }: Context): string {
  const { etcd, ...times } = { etcd: cluster.settings.etcd, ...cluster.timing.etcd };
  const variables: Record<string, string | number> = {
    NAME: host.name,
    DATA_DIR: cluster.dcs.dataDir,
    LISTEN_CLIENT_URLS: `${clientUrl(host, cluster)},https://127.0.0.1:${etcd.client_port}`,
    ADVERTISE_CLIENT_URLS: clientUrl(host, cluster),
    LISTEN_PEER_URLS: dcsPeer(cluster, host),
    INITIAL_ADVERTISE_PEER_URLS: dcsPeer(cluster, host),
    CERT_FILE: `${PKI.etcd}/server.crt`,
    KEY_FILE: `${PKI.etcd}/server.key`,
    TRUSTED_CA_FILE: `${PKI.etcd}/ca.crt`,
    CLIENT_CERT_AUTH: 'true',
    PEER_CERT_FILE: `${PKI.etcd}/server.crt`,
    PEER_KEY_FILE: `${PKI.etcd}/server.key`,
    PEER_TRUSTED_CA_FILE: `${PKI.etcd}/ca.crt`,
    PEER_CLIENT_CERT_AUTH: 'true',
    TLS_MIN_VERSION: 'TLS1.2',
    HEARTBEAT_INTERVAL: times.heartbeat,
    ELECTION_TIMEOUT: times.election,
    QUOTA_BACKEND_BYTES: etcd.quota_bytes,
    AUTO_COMPACTION_MODE: 'periodic',
    AUTO_COMPACTION_RETENTION: '1h',
    LOGGER: 'zap',
    LOG_LEVEL: 'warn',
    STRICT_RECONFIG_CHECK: 'true',
    // Metrics at the clients' port would need a certificate that opens every key. Read at a start: with the role
    // monitoring members restart one by one.
    ...(monitored(cluster) ? { LISTEN_METRICS_URLS: `http://127.0.0.1:${LOOPBACK_PORTS.etcd}` } : {}),
  };
  return `# Managed by hapg\n${Object.entries(variables)
    .map(([name, value]) => `ETCD_${name}=${value}\n`)
    .join('')}`;
}
