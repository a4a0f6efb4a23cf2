import { z } from 'zod';
import { ASSIGNABLE_ROLES } from '../roles.ts';
import { apt } from './apt-schema.ts';
import { pgbackrest } from './backup-schema.ts';
import { dcs, etcd, zookeeper } from './dcs-schema.ts';
import { extension, extensionName, packageName } from './extensions.ts';
import { standbyOf, standbys } from './standby-schema.ts';
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
    .optional()
    .describe(
      'Login name; default: as in ~/.ssh/config, else the name of the person who runs hapg. A user other than root needs sudo',
    ),
  port: port.optional().describe('Port of sshd; default: as in ~/.ssh/config, else 22'),
  key: z
    .string()
    .min(1)
    .optional()
    .describe('Private key file, relative to the inventory; default: as in ~/.ssh/config, and the keys of the agent'),
  jump: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Jump host, or several separated by commas: a host of the inventory, an alias of ~/.ssh/config, or USER@HOST:PORT',
    ),
};
const ssh = z
  .strictObject({
    ...sshFields,
    host: oneLine
      .min(1)
      .optional()
      .describe(
        'Name or address at which the controller reaches the host; default: its address in the cluster network',
      ),
  })
  .describe(
    'How the controller reaches the hosts by SSH; a host may override each key. ~/.ssh/config, the agent and known_hosts are used',
  );

const tags = z
  .strictObject({
    nofailover: z.boolean().optional().describe('true: this member never becomes the leader'),
    noloadbalance: z.boolean().optional().describe('true: the balancers send no reads to this member'),
    nosync: z.boolean().optional().describe('true: this member is never a synchronous standby'),
    nostream: z
      .boolean()
      .optional()
      .describe('true: this member replays WAL from the archive instead of streaming it; it cannot become the leader'),
    clonefrom: z
      .boolean()
      .optional()
      .describe('true: new members prefer this member as the source of their base backup'),
    failover_priority: z
      .int()
      .min(0)
      .optional()
      .describe(
        'Of standbys with the same WAL, the one with the highest number becomes the leader; 0 means never. Needs Patroni 3.2',
      ),
    replicatefrom: hostName
      .optional()
      .describe('The member that this one streams from (cascading replication); default: the leader'),
  })
  .describe('Tags of this member, as Patroni knows them');

const host = z
  .strictObject({
    address: address.describe('IP address in the cluster network: the other hosts use it. Names are not accepted'),
    ssh: ssh.optional(),
    jump_host: z
      .boolean()
      .optional()
      .describe(
        'true: other hosts are reached through this one, so its sshd forwards TCP. false: it never forwards. Default: true from the first run that went through it',
      ),
    roles: z
      .array(z.enum(ASSIGNABLE_ROLES, { error: 'not a role' }))
      .min(1, 'a host needs a role')
      .describe(`What the host does: any of ${ASSIGNABLE_ROLES.join(', ')}`),
    tags: tags.optional(),
    datacenter: hostName
      .optional()
      .describe(
        'Data center of the host. With several, at least one synchronous standby is in another data center than the leader',
      ),
    outside: z
      .strictObject({
        host: endpointHost.describe('Name or address that outside clients use'),
        port: port.describe('Port that outside clients use'),
      })
      .optional()
      .describe('Endpoint of this host for clients outside the cluster network; "hapg connect --outside" prints it'),
    hardening: z.boolean().optional().describe('false: this host is not hardened; default: the value at the top'),
    ufw: z
      .boolean()
      .optional()
      .describe('false: the firewall of this host is not managed; default: the value at the top'),
    priority: z
      .int()
      .min(1)
      .max(254)
      .optional()
      .describe(
        'VRRP priority; the balancer with the highest one holds the VIP. Default: by the order of the hosts in the inventory',
      ),
  })
  .describe('One host');

const postgres = z
  .strictObject({
    version: z
      .string('quote it: version: "17" (an unquoted 16.10 would be read as the number 16.1)')
      .regex(/^(15|16|17|18)$/, 'a major version in quotes: "15", "16", "17" or "18"')
      .default('17')
      .describe('Major version of PostgreSQL, in quotes. It cannot be changed while the cluster lives'),
    repository: z
      .enum(['distribution', 'pgdg'])
      .default('distribution')
      .describe("Source of the packages: the distribution's own, or apt.postgresql.org (pgdg)"),
    port: port.default(5432).describe('Port of PostgreSQL on every member'),
    data_dir: absolutePath
      .optional()
      .describe(
        'Data directory; default: /var/lib/postgresql/VERSION/CLUSTER. A directory of its own: not a system directory, not below /home or /root, not inside the directory of another program',
      ),
    wal_dir: absolutePath
      .optional()
      .describe(
        'Directory of its own for the WAL, for example on another disk; default: inside the data directory. On a living cluster the WAL moves there one member at a time, while it is stopped',
      ),
    locale: z
      .string()
      .regex(/^[A-Za-z0-9_.@-]+$/)
      .default('C.UTF-8')
      .describe('Locale of a new database cluster (initdb)'),
    parameters: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.$]*$/, 'not a setting of PostgreSQL'), setting)
      .default({})
      .describe(
        'PostgreSQL settings of all members. Checked against the settings of the version before any host is contacted, and read back from every member. Memory settings that are left out are sized by the host',
      ),
    hba: z
      .array(oneLine.min(1))
      .default([])
      .describe(
        'Extra pg_hba.conf lines, placed before the final reject. TLS and a password or certificate are required; includes are refused',
      ),
    databases: z
      .array(
        z.strictObject({
          name: sqlName.describe('Name of the database'),
          owner: sqlName.optional().describe('One of postgres.users; default: postgres'),
          extensions: z
            .array(extensionName)
            .default([])
            .describe('Extensions that are created in this database; they are never dropped'),
        }),
      )
      .default([])
      .describe('Databases that are created; they are never dropped'),
    users: z
      .array(
        z.strictObject({
          name: sqlName.describe('Name of the role'),
          roles: z.array(sqlName).default([]).describe('Roles that the user is a member of'),
          connection_limit: z.int().min(-1).optional().describe('Most connections at once; -1 or left out: no limit'),
        }),
      )
      .default([])
      .describe('Login roles that are created; their passwords come from the secret store'),
    extensions: z
      .array(extension)
      .default([])
      .describe(
        'Extensions that every member offers: packages are installed and libraries preloaded. postgres.databases says where they are created',
      ),
    packages: z.array(packageName).default([]).describe('Further packages for the database hosts'),
    stop_other_clusters: z
      .boolean()
      .default(false)
      .describe(
        'true: other PostgreSQL clusters of the distribution on database hosts are stopped and disabled even when they hold data. false: apply refuses to begin',
      ),
  })
  .prefault({})
  .describe('PostgreSQL on hosts with the role patroni');

const patroni = z
  .strictObject({
    scope: clusterName.optional().describe("Patroni's scope; default: the name of the cluster"),
    port: port.default(8008).describe("Port of Patroni's REST API"),
    ttl: seconds
      .min(20, 'ttl is at least 20 (Patroni)')
      .optional()
      .describe("Lifetime of the leader's key (s); default: by rto (20, 30 or 60)"),
    loop_wait: seconds.optional().describe("Pause between two of Patroni's cycles (s); default: by rto (5, 5 or 10)"),
    retry_timeout: seconds
      .min(3, 'retry_timeout is at least 3 (Patroni)')
      .optional()
      .describe('How long Patroni retries the DCS and PostgreSQL (s); default: by rto (5, 10 or 20)'),
    maximum_lag_on_failover: z
      .int()
      .min(0)
      .default(1_048_576)
      .describe('A standby that is further behind does not take over (bytes)'),
    citus: z
      .strictObject({
        group: z.int().min(0).describe('Number of the group; 0 is the coordinator'),
        database: sqlName.describe('Database that is distributed'),
      })
      .optional()
      .describe('Makes this cluster one group of a distributed Citus database'),
    synchronous_mode_strict: z
      .boolean()
      .default(false)
      .describe('true: commits block while no synchronous standby is there. false: they are asynchronous meanwhile'),
    synchronous_node_count: z
      .int()
      .min(1)
      .max(8)
      .optional()
      .describe(
        'Number of standbys that a commit waits for; default: 1, or with several data centers as many as one data center has members',
      ),
    watchdog: z
      .enum(['off', 'automatic', 'required'])
      .default('automatic')
      .describe('Use of /dev/watchdog; automatic: where the device exists'),
  })
  .prefault({})
  .describe('Patroni, which decides who leads');

const haproxy = z
  .strictObject({
    ports: z
      .strictObject({
        primary: port.default(5000).describe('Writes: the leader'),
        replica: port.default(5001).describe('Reads: replicas that keep up, else the leader'),
        sync: port.default(5002).describe('Reads: the synchronous standbys'),
        async: port.default(5003).describe('Reads: the asynchronous standbys'),
        stats: port
          .default(7000)
          .describe('Statistics and /metrics, with a password; /health, /primary and /replica without'),
      })
      .prefault({})
      .describe('Ports of the balancers'),
    maxconn: z.int().min(10).default(2000).describe('Most client connections of one balancer'),
    replica_lag_bytes: z
      .int()
      .min(0)
      .default(104_857_600)
      .describe('Replicas that are further behind get no reads (bytes)'),
  })
  .prefault({})
  .describe('HAProxy, on hosts with the role haproxy');

const pgbouncer = z
  .strictObject({
    port: port.default(6432).describe('Port of the pools'),
    pool_mode: z
      .enum(['transaction', 'session', 'statement'])
      .default('transaction')
      .describe('When a connection to PostgreSQL goes back to the pool'),
    default_pool_size: z
      .int()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('Connections to PostgreSQL for each pair of user and database'),
    max_client_conn: z.int().min(1).max(60_000).default(1000).describe('Most client connections of one pool'),
    max_prepared_statements: z
      .int()
      .min(0)
      .max(10_000)
      .default(200)
      .describe('Prepared statements that are kept for the clients of a transaction pool'),
  })
  .prefault({})
  .describe('PgBouncer, on hosts with the role pgbouncer');

const vip = z
  .strictObject({
    address: network.describe('Address that clients use, with the prefix length of its network'),
    interface: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,15}$/, 'not an interface name')
      .describe('Network interface of the balancers, such as eth0'),
    router_id: z
      .int('a VRRP router id is a number from 1 to 255')
      .min(1, 'a VRRP router id is 1 to 255 (RFC 9568)')
      .max(255, 'a VRRP router id is 1 to 255 (RFC 9568)')
      .describe('VRRP router id, 1 to 255; unique in the network'),
  })
  .describe('Virtual IP address; keepalived keeps it on exactly one balancer');

export const inventorySchema = z
  .strictObject({
    cluster: clusterName.describe(
      "Name of the cluster; default of Patroni's scope, of pgBackRest's stanza and of the data directory's name",
    ),
    standby_of: standbyOf,
    standbys,
    ssh: ssh.prefault({}),
    postgres,
    replication: z
      .enum(['sync', 'quorum', 'async'], { error: 'one of sync, quorum, async' })
      .optional()
      .describe(
        'sync: a commit waits for one standby. quorum: for any of several (Patroni 4.0). async: it does not wait. Default: sync from three database hosts on, else async',
      ),
    rto: z
      .enum(['fast', 'norm', 'wide'], { error: 'one of fast, norm, wide' })
      .default('norm')
      .describe(
        'How soon a lost leader is replaced: within 30 (fast), 45 (norm) or 120 (wide) seconds. Sets the timers of Patroni and HAProxy together',
      ),
    accept_no_quorum: z
      .boolean()
      .default(false)
      .describe(
        'Needed for two database hosts without a third voting member: accepts that there is no failover when one of them is lost',
      ),
    clients: z
      .array(network)
      .default([])
      .describe('Networks that may reach the client endpoints; the firewall and pg_hba.conf follow'),
    vip: vip.optional(),
    patroni,
    dcs,
    etcd,
    zookeeper,
    pgbouncer,
    haproxy,
    pgbackrest,
    hardening: z
      .boolean()
      .default(true)
      .describe('false: the hosts are not hardened (sshd, kernel, audit, updates); a host may override it'),
    ufw: z
      .union([
        z.boolean(),
        z.strictObject({
          exclusive: z
            .boolean()
            .default(false)
            .describe('true: firewall rules that hapg did not make are removed. false: they are kept and reported'),
          ssh_from: z.array(network).default([]).describe('Networks that may reach sshd; empty: any'),
        }),
      ])
      .default(true)
      .describe('false: the firewall is not managed; a host may override it. A mapping sets the options below'),
    apt,
    secrets: z
      .strictObject({
        recipients: z
          .array(z.string().regex(/^age1[a-z0-9]+$/, 'not an age recipient (age1...)'))
          .default([])
          .describe('age recipients for whom the store is encrypted; empty: a plain file of mode 0600'),
      })
      .prefault({})
      .describe('The secret store of the cluster'),
    hosts: z
      .record(hostName, host, 'a mapping of host names')
      .refine((hosts) => Object.keys(hosts).length > 0, {
        message: 'there are no hosts',
      })
      .describe('The hosts by name'),
  })
  .describe('hapg inventory: one cluster, its hosts and its settings');

/** The inventory as written, checked and default-filled. */
export type Inventory = z.output<typeof inventorySchema>;

/** JSON Schema (draft 2020-12) of what an operator may write. */
export function jsonSchema(): unknown {
  const hosts = z.union([inventorySchema.shape.hosts, hostsFrom]).describe('The hosts by name, or from Terraform');
  return z.toJSONSchema(inventorySchema.extend({ hosts }), { io: 'input', unrepresentable: 'any' });
}
