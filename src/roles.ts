/** A port that a role listens on: the inventory's key that holds it, and its name in messages. */
export interface RolePort {
  path: readonly string[];
  what: string;
}

/** What is true of a role for every cluster; everything that differs between clusters is in the role's folder. */
export interface RoleFacts {
  /** An inventory gives it to a host by name in `roles`; the others belong to every host unless they are turned off. */
  assignable: boolean;
  /** Groups of an Ansible inventory whose hosts have this role, as a pattern; common names in PostgreSQL collections. */
  ansibleGroups?: string;
  ports?: readonly RolePort[];
  /** Units that serve, in the order in which they are stopped. */
  units?: readonly string[];
  /** Units that log something worth reading, beside those that serve; without `.service`. */
  jobs?: readonly string[];
  /** Name prefixes of packages that are never upgraded behind the cluster's back (autobase #1440). */
  packages?: readonly string[];
  /** Where its keys and certificates are on a host. */
  keys?: string;
}

const at = (what: string, ...path: string[]): RolePort => ({ path, what });

/**
 * Every role that a host can have, in the order in which they are set up; services stop in the reverse order. The one
 * table that everything reads which asks about all roles: the inventory, the firewall, logs, hardening, the order of stops.
 */
export const ROLES = {
  hardening: { assignable: false },
  ufw: { assignable: false },
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
    jobs: ['pgbackrest-full', 'pgbackrest-diff'],
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
  },
  keepalived: {
    assignable: true,
    ansibleGroups: 'keepalived',
    units: ['keepalived.service'],
    packages: ['keepalived'],
  },
  client: { assignable: true, ansibleGroups: 'clients?|apps?' },
} as const satisfies Record<string, RoleFacts>;

export type RoleName = keyof typeof ROLES;
/** Roles that an inventory gives to a host by name. */
export type AssignableRole = {
  [Name in RoleName]: (typeof ROLES)[Name]['assignable'] extends true ? Name : never;
}[RoleName];

/** Role names in the order in which they are set up. */
export const ROLE_NAMES = Object.keys(ROLES) as RoleName[];

/** What the table says of a role. */
export const factsOf = (role: RoleName): RoleFacts => ROLES[role];

export const ASSIGNABLE_ROLES = ROLE_NAMES.filter((role) => factsOf(role).assignable) as AssignableRole[];

/** The table's lists of all roles, joined. */
const listed = (list: (facts: RoleFacts) => readonly string[] | undefined): string[] => [
  ...new Set(ROLE_NAMES.flatMap((role) => list(factsOf(role)) ?? [])),
];

/** Name prefixes of the packages that keep the cluster alive. */
export const HA_PACKAGES = listed(({ packages }) => packages);

/** Names of all units that serve, without `.service`. */
export const SERVICES = listed(({ units }) => units?.map((unit) => unit.replace(/\.service$/, '')));

/** Names of all units whose journals tell of the cluster, without `.service`. */
export const JOURNALS = [...SERVICES, ...listed(({ jobs }) => jobs)];

/** Units that serve on a host with these roles, in the order in which they are stopped. */
export const unitsOf = ({ roles }: { roles: ReadonlySet<RoleName> }): string[] => [
  ...new Set(
    ROLE_NAMES.filter((role) => roles.has(role))
      .toReversed()
      .flatMap((role) => factsOf(role).units ?? []),
  ),
];
