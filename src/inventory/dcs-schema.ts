import { z } from 'zod';
import { absolutePath, oneLine, port } from './values.ts';

export const etcd = z
  .strictObject({
    client_port: port.default(2379),
    peer_port: port.default(2380),
    data_dir: absolutePath.optional().describe('Default: /var/lib/etcd/CLUSTER'),
    heartbeat_ms: z.int().min(10).max(1000).optional(),
    election_ms: z.int().min(100).max(50_000).optional(),
    quota_bytes: z.int().min(67_108_864).default(8_589_934_592).describe('Size limit of the backend, in bytes'),
  })
  .prefault({});

export const zookeeper = z
  .strictObject({
    client_port: port.default(2281).describe('TLS, for certificates of the cluster only'),
    peer_port: port.default(2888),
    election_port: port.default(3888),
    local_port: port.default(2181).describe('On loopback; ZooKeeper wants one, and lets nobody in there'),
    admin_port: port.default(8080).describe('On loopback; what tells the state of a member'),
    data_dir: absolutePath.optional().describe('Default: /var/lib/zookeeper/CLUSTER'),
    heap_mb: z.int().min(64).max(32_768).default(512).describe("The Java heap's limit, in MiB"),
  })
  .prefault({});

const endpoint = z.string().regex(/^(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?):\d{1,5}$/, 'expected HOST:PORT');

/** A DCS that is there already and that somebody else looks after. */
const external = z.strictObject({
  kind: z.enum(['etcd', 'zookeeper', 'consul'], { error: 'one of etcd, zookeeper, consul' }),
  external: z.array(endpoint).min(1, 'where is it? HOST:PORT').describe('Its members; of Consul the one agent to ask'),
  tls: z.boolean().default(true),
  ca: z
    .string()
    .regex(/^\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/, 'expected a certificate in PEM form')
    .optional()
    .describe("Authority of its certificates; default: the system's"),
  user: oneLine.min(1).optional().describe('etcd and ZooKeeper: who logs in; "hapg secrets set dcs-password"'),
  token: z.boolean().default(false).describe('Consul: an ACL token is needed; "hapg secrets set dcs-token"'),
});
export type ExternalDcs = z.output<typeof external>;

export const dcs = z
  .union([z.enum(['etcd', 'zookeeper']), external], 'one of etcd, zookeeper, or {kind, external: [HOST:PORT]}')
  .default('etcd')
  .describe('What keeps who leads: members on hosts with the role of that name, or one that is there already');

/** What each kind is called. */
export const DCS_LABELS = { etcd: 'etcd', zookeeper: 'ZooKeeper', consul: 'Consul' } as const;
