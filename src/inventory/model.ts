import { dirname, join, resolve } from 'node:path';
import type { RoleName } from '../roles.ts';
import { type Timing, timing } from '../timing.ts';
import { DCS_LABELS, type ExternalDcs } from './dcs-schema.ts';
import { type Extension, extensionsOf } from './extensions.ts';
import { type Hardening, hardeningOf } from './hardening-schema.ts';
import { isMonitored } from './monitoring.ts';
import { splitCidr } from './network.ts';
import { type RepositorySettings, repositoryOf } from './repositories/kinds.ts';
import type { Inventory } from './schema.ts';
import { type TuningItem, tuningOf } from './tuning-schema.ts';

/** How the controller reaches a host according to the inventory. */
export type SshSettings = Inventory['ssh'];

/** One machine of the model. */
export interface Host {
  name: string;
  /** The address in the cluster network. */
  address: string;
  ssh: SshSettings;
  /** Whether others are reached through it; undefined: as runs detect it. */
  jumpHost: boolean | undefined;
  roles: ReadonlySet<RoleName>;
  hardening: Hardening;
  /** The items of tuning that this host gets; none without PostgreSQL. */
  tuning: ReadonlySet<TuningItem>;
  tags: Record<string, boolean | number | string>;
  datacenter: string | undefined;
  /** The endpoint for clients outside. */
  outside: { host: string; port: number } | undefined;
  priority: number | undefined;
  /** The network interface for the VIP; undefined: the one that has the host's address. */
  vipInterface: string | undefined;
  /** The data directory of its PostgreSQL. */
  dataDir: string;
  /** PostgreSQL settings of this member, over those of all. */
  parameters: Record<string, string | number | boolean>;
}

export type { RepositorySettings };

/** The distributed configuration store, which holds the leader's key. */
export interface Dcs {
  kind: 'etcd' | 'zookeeper' | 'consul';
  /** Its name for an operator. */
  label: string;
  /** The data directory of a member; empty for an external DCS. */
  dataDir: string;
  /** The external DCS, which somebody else administers. */
  external: ExternalDcs | undefined;
}

/** The model of a cluster: typed, validated, with all defaults. */
export interface Cluster {
  name: string;
  /** The inventory's own file, absolute. */
  file: string;
  /** The files that it lies over, absolute. */
  under: readonly string[];
  /** `.hapg/<cluster>` beside the inventory: secrets, known hosts, journals. */
  stateDir: string;
  scope: string;
  /** The path of this cluster's keys in the DCS, with a slash at both ends. */
  dcsPath: string;
  stanza: string;
  /** The repositories; empty means no backups. */
  repositories: readonly RepositorySettings[];
  /** The directory of pg_wal, when outside the data directory. */
  walDir: string | undefined;
  binDir: string;
  dcs: Dcs;
  /** The cluster that this standby cluster follows; undefined for an independent one. */
  upstream: Cluster | undefined;
  extensions: readonly Extension[];
  replication: 'sync' | 'quorum' | 'async';
  /** How many standbys a commit waits for, if it waits at all. */
  synchronousNodes: number;
  vip: { address: string; prefix: number; routerId: number } | undefined;
  firewall: { exclusive: boolean; sshFrom: string[] };
  timing: Timing;
  settings: Inventory;
  hosts: readonly Host[];
}

/** Returns all files of a cluster's inventory, its own one last. */
export const inventoryFiles = ({ under, file }: Pick<Cluster, 'under' | 'file'>): string[] => [...under, file];

/** Returns the hosts that have a role, in the inventory's order. */
export const hostsWith = (cluster: Cluster, role: RoleName): Host[] =>
  cluster.hosts.filter((host) => host.roles.has(role));

/** Returns the role whose hosts run the DCS; undefined for an external DCS. */
export const dcsRole = ({ dcs }: Cluster): 'etcd' | 'zookeeper' | undefined =>
  dcs.external || dcs.kind === 'consul' ? undefined : dcs.kind;

/** Returns the hosts of the DCS; none for an external DCS. */
export function dcsHosts(cluster: Cluster): Host[] {
  const role = dcsRole(cluster);
  return role ? hostsWith(cluster, role) : [];
}

/** Returns hosts that have at least one of the roles. */
export const hostsWithAny = (cluster: Cluster, ...roles: RoleName[]): Host[] =>
  cluster.hosts.filter((host) => roles.some((role) => host.roles.has(role)));

/** Whether the hosts have exporters: a host has the role monitoring, or a Prometheus of others reads them. */
export const monitored = (cluster: Cluster): boolean => hostsWith(cluster, 'exporters').length > 0;

/** Whether clients connect to PostgreSQL through a pool. */
export const isPooled = (cluster: Cluster): boolean => hostsWith(cluster, 'pgbouncer').length > 0;

/** Returns the replication mode, by default one that survives the loss of a member when there are three or more. */
export const replicationOf = ({
  replication,
  hosts,
}: Pick<Inventory, 'replication' | 'hosts'>): Cluster['replication'] =>
  replication ?? (Object.values(hosts).filter((host) => host.roles.includes('patroni')).length >= 3 ? 'sync' : 'async');

/** Whether commits wait for standbys; never in a standby cluster. */
export const commitsWait = ({ replication, upstream }: Cluster): boolean => replication !== 'async' && !upstream;

/** Whether failover prefers the leader's data center: with several of them, unless preferences are set by hand or have no effect. */
export function followsDatacenter(cluster: Cluster): boolean {
  const members = hostsWith(cluster, 'patroni');
  return (
    new Set(members.map((host) => host.datacenter)).size > 1 &&
    cluster.replication !== 'quorum' &&
    members.every((host) => host.tags.failover_priority === undefined)
  );
}

/** Returns the replication slot in which Patroni keeps WAL for a member (Patroni, "slot_name_from_member_name"). */
export const memberSlot = (name: string): string => name.replaceAll('-', '_');

/** Returns patronictl's arguments that select the cluster. */
export const patroniScope = ({ scope, settings }: Cluster): string[] => [
  scope,
  ...(settings.patroni.citus ? ['--group', String(settings.patroni.citus.group)] : []),
];

/** Returns the setting that says where a host's data directory is: its own, or that of all hosts. */
export const dataDirSetting = ({ settings }: Cluster, { name }: Host): string =>
  settings.hosts[name]?.postgres?.data_dir === undefined ? 'postgres.data_dir' : `hosts.${name}.postgres.data_dir`;

/** Returns PostgreSQL's programs and port on a member's own host. */
export const serverOf = ({ binDir, settings }: Cluster): { binDir: string; port: number } => ({
  binDir,
  port: settings.postgres.port,
});

/** Returns the port of the database hosts for clients and balancers. */
export const memberPort = (cluster: Cluster): number =>
  isPooled(cluster) ? cluster.settings.pgbouncer.port : cluster.settings.postgres.port;

/** Returns the dedicated repository host; undefined when every database host reaches the repositories itself. */
export const repositoryHost = (cluster: Cluster): Host | undefined => hostsWith(cluster, 'pgbackrest')[0];

/**
 * Returns the hosts that reach the repositories directly, so they can take and list backups. A standby cluster has
 * none: it uses its upstream's backups.
 */
export function backupHosts(cluster: Cluster): Host[] {
  if (cluster.repositories.length === 0 || cluster.upstream) return [];
  const dedicated = repositoryHost(cluster);
  return dedicated ? [dedicated] : hostsWith(cluster, 'patroni');
}

/** Returns the host that runs drills by default; undefined when the inventory names none. */
export const drillHost = (cluster: Cluster): Host | undefined =>
  cluster.repositories.length === 0 || cluster.upstream
    ? undefined
    : (cluster.hosts.find((host) => host.name === cluster.settings.pgbackrest.drill.host) ?? repositoryHost(cluster));

function dcsOf({ cluster, dcs, etcd, zookeeper }: Inventory): Dcs {
  const kind = typeof dcs === 'string' ? dcs : dcs.kind;
  return {
    kind,
    label: DCS_LABELS[kind],
    dataDir: { etcd, zookeeper, consul: undefined }[kind]?.data_dir ?? `/var/lib/${kind}/${cluster}`,
    external: typeof dcs === 'string' ? undefined : dcs,
  };
}

/** Returns the repositories of a checked inventory, with pgBackRest's numbers. */
function repositoriesOf({ cluster, hosts, pgbackrest }: Inventory): RepositorySettings[] {
  const dedicated = Object.values(hosts).some((host) => host.roles.includes('pgbackrest'));
  const wanted = pgbackrest.repositories ?? (dedicated ? [{ kind: 'host' } as const] : []);
  return wanted.map((one, index) => repositoryOf(one, index + 1, { cluster, hostPath: pgbackrest.path }));
}

/**
 * Returns the number of synchronous standbys: with several data centers, the largest number of members in one of them.
 * Then at least one synchronous standby is in another data center than the leader, and the loss of a whole data center
 * loses no acknowledged row.
 */
function synchronousNodes(databases: readonly Host[]): number {
  const counts = new Map<string | undefined, number>();
  for (const { datacenter } of databases) counts.set(datacenter, (counts.get(datacenter) ?? 0) + 1);
  return counts.size < 2 ? 1 : Math.min(Math.max(...counts.values()), databases.length - 1);
}

/** Builds the model of a checked inventory. Its files may be relative to the working directory, `upstream` is the model of `standby_of`. */
export function buildCluster(
  inventory: Inventory,
  { own, under }: { own: string; under: readonly string[] },
  upstream?: Cluster,
): Cluster {
  const absolute = resolve(own);
  const ufw = inventory.ufw;
  const { version } = inventory.postgres;
  const dataDir = inventory.postgres.data_dir ?? `/var/lib/postgresql/${version}/${inventory.cluster}`;
  const exports = isMonitored(inventory);
  const hosts = Object.entries(inventory.hosts).map(([name, host]): Host => {
    const roles = new Set<RoleName>(host.roles);
    const hardening = hardeningOf(inventory.hardening, host.hardening);
    if (hardening.items.size > 0) roles.add('hardening');
    if (host.ufw ?? ufw !== false) roles.add('ufw');
    const tuning = roles.has('patroni') ? tuningOf(inventory.tuning, host.tuning) : new Set<TuningItem>();
    if (tuning.size > 0) roles.add('tuning');
    if (exports) roles.add('exporters');
    return {
      name,
      address: host.address,
      ssh: { ...inventory.ssh, ...host.ssh },
      jumpHost: host.jump_host,
      roles,
      hardening,
      tuning,
      tags: Object.fromEntries(
        Object.entries(host.tags ?? {}).filter(([, value]) => value !== undefined),
      ) as Host['tags'],
      datacenter: host.datacenter,
      outside: host.outside,
      priority: host.priority,
      vipInterface: host.vip?.interface ?? inventory.vip?.interface,
      dataDir: host.postgres?.data_dir ?? dataDir,
      parameters: host.postgres?.parameters ?? {},
    };
  });
  const databases = hosts.filter((host) => host.roles.has('patroni'));
  const vip = inventory.vip && splitCidr(inventory.vip.address);
  const scope = inventory.patroni.scope ?? inventory.cluster;
  const { citus } = inventory.patroni;
  return {
    name: inventory.cluster,
    file: absolute,
    under: under.map((file) => resolve(file)),
    stateDir: join(dirname(absolute), '.hapg', inventory.cluster),
    scope,
    dcsPath: `/service/${scope}/${citus ? `${citus.group}/` : ''}`,
    stanza: inventory.pgbackrest.stanza ?? inventory.cluster,
    repositories: repositoriesOf(inventory),
    walDir: inventory.postgres.wal_dir,
    binDir: `/usr/lib/postgresql/${version}/bin`,
    dcs: dcsOf(inventory),
    upstream,
    extensions: extensionsOf(inventory.postgres),
    replication: replicationOf(inventory),
    synchronousNodes: inventory.patroni.synchronous_node_count ?? synchronousNodes(databases),
    vip: vip && inventory.vip && { ...vip, routerId: inventory.vip.router_id },
    firewall: {
      exclusive: typeof ufw === 'object' && ufw.exclusive,
      sshFrom: typeof ufw === 'object' ? ufw.ssh_from : [],
    },
    timing: timing(
      inventory.rto,
      { ...inventory.patroni, ...inventory.etcd },
      databases.some((host) => host.roles.has('etcd')),
    ),
    settings: inventory,
    hosts,
  };
}
