import { z } from 'zod';
import { absolutePath, oneLine, port } from './values.ts';

export const etcd = z
  .strictObject({
    client_port: port.default(2379).describe('Port for Patroni and etcdctl'),
    peer_port: port.default(2380).describe('Port between the members'),
    data_dir: absolutePath.optional().describe('Data directory; default: /var/lib/etcd/CLUSTER'),
    heartbeat_ms: z
      .int()
      .min(10)
      .max(1000)
      .optional()
      .describe('Heartbeat interval (ms); default: 250 on database hosts unless rto is fast, else 100'),
    election_ms: z
      .int()
      .min(100)
      .max(50_000)
      .optional()
      .describe('Election time-out (ms); default: 2500 on database hosts unless rto is fast, else 1000'),
    quota_bytes: z.int().min(67_108_864).default(8_589_934_592).describe('Size limit of the database (bytes)'),
  })
  .prefault({})
  .describe('etcd, on hosts with the role etcd');

export const zookeeper = z
  .strictObject({
    client_port: port.default(2281).describe('Port for Patroni; TLS with certificates of the cluster only'),
    peer_port: port.default(2888).describe('Port between the members'),
    election_port: port.default(3888).describe('Port for elections between the members'),
    local_port: port.default(2181).describe('Port on loopback that ZooKeeper requires; nobody is let in there'),
    admin_port: port.default(8080).describe('Port on loopback that reports the state of the member'),
    data_dir: absolutePath.optional().describe('Data directory; default: /var/lib/zookeeper/CLUSTER'),
    heap_mb: z.int().min(64).max(32_768).default(512).describe('Limit of the Java heap (MiB)'),
  })
  .prefault({})
  .describe('ZooKeeper, on hosts with the role zookeeper');

const endpoint = z.string().regex(/^(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?):\d{1,5}$/, 'expected HOST:PORT');

/** An external DCS: it exists, and somebody else administers it. */
const external = z.strictObject({
  kind: z
    .enum(['etcd', 'zookeeper', 'consul'], { error: 'one of etcd, zookeeper, consul' })
    .describe('Kind of the DCS'),
  external: z
    .array(endpoint)
    .min(1, 'where is it? HOST:PORT')
    .describe('Its members as HOST:PORT; of Consul the one agent to ask'),
  tls: z.boolean().default(true).describe('false: without TLS, and therefore without a password'),
  ca: z
    .string()
    .regex(/^\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/, 'expected a certificate in PEM form')
    .optional()
    .describe('Certificate (PEM) of the authority that signed its certificates; default: those that the system trusts'),
  user: oneLine
    .min(1)
    .optional()
    .describe('etcd and ZooKeeper: login name; bring the password with "hapg secrets set dcs-password"'),
  token: z
    .boolean()
    .default(false)
    .describe('Consul: an ACL token is needed; bring it with "hapg secrets set dcs-token"'),
});
export type ExternalDcs = z.output<typeof external>;

export const dcs = z
  .union([z.enum(['etcd', 'zookeeper']), external], 'one of etcd, zookeeper, or {kind, external: [HOST:PORT]}')
  .default('etcd')
  .describe(
    'Distributed configuration store, which keeps who leads: etcd or zookeeper on hosts with the role of that name, or an existing one that others operate',
  );

/** Names of the kinds for an operator. */
export const DCS_LABELS = { etcd: 'etcd', zookeeper: 'ZooKeeper', consul: 'Consul' } as const;
