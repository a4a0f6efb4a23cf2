import { z } from 'zod';
import { ASSIGNABLE_ROLES } from '../roles.ts';
import { apt } from './apt-schema.ts';
import { pgbackrest } from './backup-schema.ts';
import { dcs, etcd, zookeeper } from './dcs-schema.ts';
import { extension, extensionName, packageName } from './extensions.ts';
import { standbyOf, standbys } from './standby.ts';
import { hostsFrom } from './terraform.ts';
import {
  absolutePath,
  address,
  clusterName,
  endpointHost,
  hostName,
  network,
  oneLine,
  port,
  seconds,
  setting,
  sqlName,
} from './values.ts';

const sshFields = {
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*\$?$/, 'not a login name')
    .optional(),
  port: port.optional(),
  key: z.string().min(1).optional(),
  jump: z.string().min(1).optional(),
};
const ssh = z
  .strictObject({
    ...sshFields,
    host: oneLine.min(1).optional(),
  })
  .describe('How the controller reaches hosts; ~/.ssh/config, the agent and known_hosts are honoured');

const tags = z
  .strictObject({
    nofailover: z.boolean().optional(),
    noloadbalance: z.boolean().optional(),
    nosync: z.boolean().optional(),
    nostream: z.boolean().optional(),
    clonefrom: z.boolean().optional(),
    failover_priority: z.int().min(0).optional(),
    replicatefrom: hostName.optional(),
  })
  .describe('Patroni tags of this member');

const host = z
  .strictObject({
    address: address.describe('The address in the cluster network; what other hosts use'),
    ssh: ssh.optional(),
    jump_host: z
      .boolean()
      .optional()
      .describe(
        'Whether others are reached through this host, so that its sshd forwards TCP; default: true where a run has once gone through it',
      ),
    roles: z
      .array(z.enum(ASSIGNABLE_ROLES, { error: 'not a role' }))
      .min(1, 'a host needs a role')
      .describe(`Any of ${ASSIGNABLE_ROLES.join(', ')}`),
    tags: tags.optional(),
    datacenter: hostName
      .optional()
      .describe('Where the host stands; of several, one synchronous standby at least is in another than the leader'),
    outside: z
      .strictObject({ host: endpointHost, port })
      .optional()
      .describe('Where clients from outside the cluster network find what this host serves to clients'),
    hardening: z.boolean().optional().describe('false leaves this host as it is'),
    ufw: z.boolean().optional().describe('false leaves the firewall of this host alone'),
    priority: z.int().min(1).max(254).optional().describe('VRRP priority; default by order in the inventory'),
  })
  .describe('One machine');

const postgres = z
  .strictObject({
    version: z
      .string('quote it: version: "17" (an unquoted 16.10 would be read as the number 16.1)')
      .regex(/^(15|16|17|18)$/, 'a major version in quotes: "15", "16", "17" or "18"')
      .default('17'),
    repository: z
      .enum(['distribution', 'pgdg'])
      .default('distribution')
      .describe("Where packages come from: the distribution's own, or the PostgreSQL project's apt repository"),
    port: port.default(5432),
    data_dir: absolutePath.optional().describe('Default: /var/lib/postgresql/VERSION/CLUSTER'),
    wal_dir: absolutePath
      .optional()
      .describe('Directory of its own for the WAL, such as one on another disk; default: in the data directory'),
    locale: z
      .string()
      .regex(/^[A-Za-z0-9_.@-]+$/)
      .default('C.UTF-8'),
    parameters: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.$]*$/, 'not a setting of PostgreSQL'), setting)
      .default({})
      .describe('postgresql.conf settings for all members'),
    hba: z.array(oneLine.min(1)).default([]).describe('Extra pg_hba lines, before the final reject'),
    databases: z
      .array(
        z.strictObject({
          name: sqlName,
          owner: sqlName.optional(),
          extensions: z.array(extensionName).default([]).describe('Made in this database, never dropped'),
        }),
      )
      .default([]),
    users: z
      .array(
        z.strictObject({
          name: sqlName,
          roles: z.array(sqlName).default([]),
          connection_limit: z.int().min(-1).optional(),
        }),
      )
      .default([])
      .describe('Login roles; their passwords come from the secret store'),
    extensions: z
      .array(extension)
      .default([])
      .describe(
        'What every member must be able to offer: packages, and libraries to load; databases say where it is made',
      ),
    packages: z.array(packageName).default([]).describe('Further packages on database hosts'),
    stop_other_clusters: z
      .boolean()
      .default(false)
      .describe('Stops other PostgreSQL clusters of the distribution on database hosts, even when they hold data'),
  })
  .prefault({});

const patroni = z
  .strictObject({
    scope: clusterName.optional().describe("Default: the cluster's name"),
    port: port.default(8008),
    ttl: seconds.min(20, 'ttl is at least 20 (Patroni)').optional(),
    loop_wait: seconds.optional(),
    retry_timeout: seconds.min(3, 'retry_timeout is at least 3 (Patroni)').optional(),
    maximum_lag_on_failover: z.int().min(0).default(1_048_576).describe('Bytes'),
    citus: z
      .strictObject({ group: z.int().min(0), database: sqlName })
      .optional()
      .describe('This cluster is one group of a distributed Citus database; group 0 coordinates'),
    synchronous_mode_strict: z.boolean().default(false).describe('Block writes when no synchronous standby is there'),
    synchronous_node_count: z
      .int()
      .min(1)
      .max(8)
      .optional()
      .describe('Default: 1, or with several data centers as many as make sure that one is in another than the leader'),
    watchdog: z.enum(['off', 'automatic', 'required']).default('automatic'),
  })
  .prefault({});

const haproxy = z
  .strictObject({
    ports: z
      .strictObject({
        primary: port.default(5000),
        replica: port.default(5001),
        sync: port.default(5002),
        async: port.default(5003),
        stats: port.default(7000),
      })
      .prefault({}),
    maxconn: z.int().min(10).default(2000),
    replica_lag_bytes: z.int().min(0).default(104_857_600).describe('Replicas further behind get no reads'),
  })
  .prefault({});

const pgbouncer = z
  .strictObject({
    port: port.default(6432),
    pool_mode: z.enum(['transaction', 'session', 'statement']).default('transaction'),
    default_pool_size: z.int().min(1).max(10_000).default(20).describe('Connections to PostgreSQL a user and database'),
    max_client_conn: z.int().min(1).max(60_000).default(1000),
    max_prepared_statements: z.int().min(0).max(10_000).default(200).describe('Kept for clients of a transaction pool'),
  })
  .prefault({});

const vip = z
  .strictObject({
    address: network.describe('The address that clients use, with the prefix length of its network'),
    interface: z.string().regex(/^[A-Za-z0-9._-]{1,15}$/, 'not an interface name'),
    router_id: z
      .int('a VRRP router id is a number from 1 to 255')
      .min(1, 'a VRRP router id is 1 to 255 (RFC 9568)')
      .max(255, 'a VRRP router id is 1 to 255 (RFC 9568)'),
  })
  .describe('The virtual address held by exactly one balancer');

export const inventorySchema = z
  .strictObject({
    cluster: clusterName.describe('Name of the cluster; default of Patroni scope, stanza and data directory'),
    standby_of: standbyOf,
    standbys,
    ssh: ssh.prefault({}),
    postgres,
    replication: z
      .enum(['sync', 'quorum', 'async'], { error: 'one of sync, quorum, async' })
      .optional()
      .describe('Default: sync from three database hosts on, else async'),
    rto: z
      .enum(['fast', 'norm', 'wide'], { error: 'one of fast, norm, wide' })
      .default('norm')
      .describe('How soon a lost leader is replaced: below 30, 45 or 120 seconds'),
    accept_no_quorum: z
      .boolean()
      .default(false)
      .describe('Two database hosts without a third etcd member: accepts that the loss of one stops failover'),
    clients: z.array(network).default([]).describe('Networks that may reach the endpoints'),
    vip: vip.optional(),
    patroni,
    dcs,
    etcd,
    zookeeper,
    pgbouncer,
    haproxy,
    pgbackrest,
    hardening: z.boolean().default(true),
    ufw: z
      .union([
        z.boolean(),
        z.strictObject({
          exclusive: z.boolean().default(false).describe('Remove rules that are not in the model'),
          ssh_from: z.array(network).default([]).describe('Networks that may log in; empty means any'),
        }),
      ])
      .default(true),
    apt,
    secrets: z
      .strictObject({
        recipients: z.array(z.string().regex(/^age1[a-z0-9]+$/, 'not an age recipient (age1...)')).default([]),
      })
      .prefault({}),
    hosts: z.record(hostName, host, 'a mapping of host names').refine((hosts) => Object.keys(hosts).length > 0, {
      message: 'there are no hosts',
    }),
  })
  .describe('hapg inventory: one cluster, its hosts, its settings');

/** The inventory as written, checked and default-filled. */
export type Inventory = z.output<typeof inventorySchema>;

/** JSON Schema (draft 2020-12) of what a person may write. */
export function jsonSchema(): unknown {
  const hosts = z.union([inventorySchema.shape.hosts, hostsFrom]);
  return z.toJSONSchema(inventorySchema.extend({ hosts }), { io: 'input', unrepresentable: 'any' });
}
