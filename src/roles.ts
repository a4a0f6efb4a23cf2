/** A port that a role listens on: its key in the inventory, and its name in messages. */
export interface RolePort {
  path: readonly string[];
  what: string;
}

/** Properties of a role that are the same in every cluster; what differs between clusters is in the role's folder. */
export interface RoleFacts {
  /**
   * Whether an inventory assigns it to a host in `roles`; the others belong to every host unless they are turned off.
   */
  assignable: boolean;
  /** Groups of an Ansible inventory whose hosts have this role, as a pattern; common names in PostgreSQL collections. */
  ansibleGroups?: string;
  ports?: readonly RolePort[];
  /** Service units, in the order in which they are stopped. */
  units?: readonly string[];
  /** Units whose logs are shown, beside the services; without `.service`. */
  jobs?: readonly string[];
  /** Name prefixes of packages that unattended-upgrades must not upgrade (autobase #1440). */
  packages?: readonly string[];
  /** Where its keys and certificates are on a host. */
  keys?: string;
  /** Its `keys` hold only authorities of others: no certificate of its own expires there. */
  presentsNone?: true;
}

const at = (what: string, ...path: string[]): RolePort => ({ path, what });

/**
 * All roles, in the order of setup; services stop in the reverse order. This table is the only list of roles: the
 * inventory, the firewall, logs, hardening and the order of stops read it.
 */
export const ROLES = {
  hardening: { assignable: false },
  ufw: { assignable: false },
  tuning: { assignable: false },
  etcd: {
    assignable: true,
    ansibleGroups: 'etcd',
    ports: [at('etcd clients', 'etcd', 'client_port'), at('etcd peers', 'etcd', 'peer_port')],
    units: ['etcd.service'],
    packages: ['etcd'],
    keys: '/etc/etcd/pki',
  },
  zookeeper: {
    assignable: true,
    ports: ['client_port', 'peer_port', 'election_port', 'local_port', 'admin_port'].map((name) =>
      at(`ZooKeeper ${name}`, 'zookeeper', name),
    ),
    units: ['zookeeper.service'],
    packages: ['libzookeeper'],
    keys: '/etc/zookeeper/pki',
  },
  pgbackrest: {
    assignable: true,
    ansibleGroups: 'pgbackrest|backups?',
    ports: [at('pgBackRest', 'pgbackrest', 'port')],
    units: ['pgbackrest.service'],
    jobs: ['pgbackrest-full', 'pgbackrest-diff', 'pgbackrest-incr', 'pgbackrest-drill'],
    packages: ['pgbackrest'],
    keys: '/etc/pgbackrest/pki',
  },
  patroni: {
    assignable: true,
    ansibleGroups: 'postgres|postgresql|pg|databases?|dbs?|masters?|primary|replicas?|standbys?|patroni',
    ports: [at('PostgreSQL', 'postgres', 'port'), at('Patroni', 'patroni', 'port')],
    units: ['patroni.service', 'pgbackrest.service'],
    packages: ['postgresql', 'patroni', 'libpq'],
    keys: '/etc/patroni/pki',
  },
  pgbouncer: {
    assignable: true,
    ansibleGroups: 'pgbouncer',
    ports: [at('PgBouncer', 'pgbouncer', 'port')],
    units: ['pgbouncer.service'],
    packages: ['pgbouncer'],
    keys: '/etc/pgbouncer/pki',
  },
  haproxy: {
    assignable: true,
    ansibleGroups: 'balancers?|haproxy|lb|prox(y|ies)',
    ports: ['primary', 'replica', 'sync', 'async', 'stats'].map((name) =>
      at(`HAProxy ${name}`, 'haproxy', 'ports', name),
    ),
    units: ['haproxy.service'],
    packages: ['haproxy'],
    keys: '/etc/haproxy/pki',
    presentsNone: true,
  },
  keepalived: {
    assignable: true,
    ansibleGroups: 'keepalived',
    units: ['keepalived.service'],
    packages: ['keepalived'],
  },
  client: { assignable: true, ansibleGroups: 'clients?|apps?' },
  // Every host of a monitored cluster has it.
  exporters: {
    assignable: false,
    ports: [at('the exporters', 'monitoring', 'port')],
    units: [
      'prometheus-exporter-exporter.service',
      'prometheus-node-exporter.service',
      'prometheus-postgres-exporter.service',
      'prometheus-pgbouncer-exporter.service',
      'prometheus-pgbackrest-exporter.service',
    ],
    jobs: ['prometheus-node-exporter-hapg'],
    packages: ['prometheus'],
    keys: '/etc/prometheus-exporter-exporter/pki',
  },
  monitoring: {
    assignable: true,
    ansibleGroups: 'prometheus|monitoring',
    ports: [
      at('Prometheus', 'monitoring', 'prometheus', 'port'),
      at('Alertmanager', 'monitoring', 'alertmanager', 'port'),
    ],
    units: ['prometheus.service', 'prometheus-alertmanager.service'],
    packages: ['prometheus'],
    keys: '/etc/prometheus/pki',
  },
} as const satisfies Record<string, RoleFacts>;

export type RoleName = keyof typeof ROLES;
/** Roles that an inventory assigns to a host. */
export type AssignableRole = {
  [Name in RoleName]: (typeof ROLES)[Name]['assignable'] extends true ? Name : never;
}[RoleName];

/** Role names in the order of setup. */
export const ROLE_NAMES = Object.keys(ROLES) as RoleName[];

/** Returns the row of a role. */
export const factsOf = (role: RoleName): RoleFacts => ROLES[role];

export const ASSIGNABLE_ROLES = ROLE_NAMES.filter((role) => factsOf(role).assignable) as AssignableRole[];

/** The table's lists of all roles, joined. */
const listed = (list: (facts: RoleFacts) => readonly string[] | undefined): string[] => [
  ...new Set(ROLE_NAMES.flatMap((role) => list(factsOf(role)) ?? [])),
];

/** Name prefixes of the packages that keep the cluster alive. */
export const HA_PACKAGES = listed(({ packages }) => packages);

/** Names of all service units, without `.service`. */
export const SERVICES = listed(({ units }) => units?.map((unit) => unit.replace(/\.service$/, '')));

/** Names of all units whose journals are shown, without `.service`. */
export const JOURNALS = [...SERVICES, ...listed(({ jobs }) => jobs)];

/** Service units of a host with these roles, in the order in which they are stopped. */
export const unitsOf = ({ roles }: { roles: ReadonlySet<RoleName> }): string[] => [
  ...new Set(
    ROLE_NAMES.filter((role) => roles.has(role))
      .toReversed()
      .flatMap((role) => factsOf(role).units ?? []),
  ),
];
