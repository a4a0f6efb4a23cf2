import { timing } from '../timing.ts';
import { loginUsers, presentDatabases } from './accounts.ts';
import { addresses, portCollisions, vip } from './address-checks.ts';
import { repository, retention } from './backup-checks.ts';
import { type Check, error, warning, withRole } from './check.ts';
import { databases as databasesDeclared } from './database-checks.ts';
import { DCS_LABELS } from './dcs-schema.ts';
import { hba } from './hba-checks.ts';
import { monitoring } from './monitoring-checks.ts';
import { hostParameters, parameters } from './parameter-checks.ts';
import { dataOfMembers, paths } from './path-checks.ts';
import { extensions } from './postgres-checks.ts';
import type { Inventory } from './schema.ts';
import { standbyAlone } from './standby-checks.ts';
import { users } from './user-checks.ts';
import type { Problem } from './yaml-text.ts';

/** Runs all checks that need more than one value, the most useful ones first. Pure. */
export function crossCheck(inventory: Inventory, written: ReadonlySet<string>): Problem[] {
  return CHECKS.flatMap((check) => check(inventory, written));
}

const databases: Check = (inventory) => {
  const members = withRole(inventory, 'patroni');
  if (members.length === 0) return [error(['hosts'], 'no host has the role patroni: there would be no database', true)];
  if (members.length === 1) return [warning(['hosts'], 'one database host is not highly available', true)];
  return [];
};

const DCS_ROLES = ['etcd', 'zookeeper'] as const;

const dcsMembers: Check = (inventory) => {
  const { dcs } = inventory;
  const own = typeof dcs === 'string' ? dcs : undefined;
  const label = DCS_LABELS[typeof dcs === 'string' ? dcs : dcs.kind];
  const foreign = DCS_ROLES.filter((role) => role !== own).flatMap((role) =>
    withRole(inventory, role).map(([name]) =>
      error(
        ['hosts', name, 'roles'],
        own
          ? `the role ${role} goes with dcs: ${role}, and this cluster has dcs: ${own}`
          : `the role ${role} makes a DCS of this cluster's own, and dcs names one that is there already`,
      ),
    ),
  );
  if (!own || foreign.length > 0) return foreign;
  // ZooKeeper writes such an address in a form of its own.
  const six = own === 'zookeeper' ? withRole(inventory, own).find(([, host]) => host.address.includes(':')) : undefined;
  if (six) return [error(['hosts', six[0], 'address'], 'dcs: zookeeper takes IPv4 addresses only')];
  const count = withRole(inventory, own).length;
  if (count === 0) return [error(['hosts'], `no host has the role ${own}: Patroni needs a DCS`, true)];
  if (count < 3 && withRole(inventory, 'patroni').length === 2 && !inventory.accept_no_quorum)
    return [
      error(
        ['hosts'],
        `two database hosts with ${count === 1 ? 'one member' : 'two members'} of ${label}: when ${count === 1 ? 'the host of that member' : 'either of them'} is lost, ${label} has no quorum and the other database cannot take over. Add a small third host with the role ${own} alone (a witness), or accept that a person has to act with accept_no_quorum: true`,
        true,
      ),
    ];
  if (count === 1)
    return [warning(['hosts'], `one member of ${label}: the loss of that host stops all failovers; use three`, true)];
  if (count % 2 === 0)
    return [
      warning(
        ['hosts'],
        `${count} members of ${label} survive no more failures than ${count - 1}; use an odd number`,
        true,
      ),
    ];
  return [];
};

/** Checks that the settings fit the kind of an external DCS. */
const externalDcs: Check = ({ dcs }) => {
  if (typeof dcs === 'string') return [];
  const problems: Problem[] = [];
  if (dcs.kind === 'consul' && dcs.external.length > 1)
    problems.push(error(['dcs', 'external'], 'Patroni asks one agent of Consul, which knows the others: name one'));
  if (dcs.kind === 'consul' && dcs.user)
    problems.push(error(['dcs', 'user'], 'Consul knows no user; where it wants a token write token: true', true));
  if (dcs.kind !== 'consul' && dcs.token)
    problems.push(error(['dcs', 'token'], `a token is for Consul; ${DCS_LABELS[dcs.kind]} wants a user`, true));
  if (!dcs.tls && (dcs.ca || dcs.user || dcs.token))
    problems.push(
      error(['dcs', 'tls'], 'without TLS a password or token would go through the network in the clear', true),
    );
  return problems;
};

const patroniTimes: Check = (inventory) => {
  const { patroni } = timing(inventory.rto, inventory.patroni, false);
  const sum = patroni.loop_wait + 2 * patroni.retry_timeout;
  if (sum <= patroni.ttl) return [];
  const key =
    (['loop_wait', 'retry_timeout', 'ttl'] as const).find((name) => inventory.patroni[name] !== undefined) ?? 'ttl';
  return [
    error(
      ['patroni', key],
      `loop_wait + 2 * retry_timeout must not exceed ttl: ${patroni.loop_wait} + 2 * ${patroni.retry_timeout} = ${sum} > ${patroni.ttl}`,
    ),
  ];
};

const etcdTimes: Check = ({ etcd }) =>
  etcd.heartbeat_ms !== undefined && etcd.election_ms !== undefined && etcd.election_ms < 5 * etcd.heartbeat_ms
    ? [error(['etcd', 'election_ms'], `election_ms must be at least 5 times heartbeat_ms (etcd refuses to start)`)]
    : [];

const clientsWithDatabase: Check = (inventory, written) => {
  const problems: Problem[] = [];
  for (const [name] of withRole(inventory, 'client'))
    if (presentDatabases(inventory.postgres).length === 0 || loginUsers(inventory.postgres).length === 0)
      problems.push(
        warning(['hosts', name, 'roles'], 'a client host needs postgres.databases and postgres.users to connect to'),
      );
  // An empty list is what somebody wants.
  if (!written.has('clients'))
    problems.push(
      warning(
        [],
        'there is no key clients: no network but the cluster hosts may reach the endpoints. Write clients: [NETWORK], or clients: [] where that is meant',
      ),
    );
  return problems;
};

const replication: Check = (inventory) => {
  const members = withRole(inventory, 'patroni');
  const problems: Problem[] = [];
  const mode = inventory.replication;
  if (mode && mode !== 'async' && members.length < 2)
    problems.push(error(['replication'], `replication: ${mode} needs at least two database hosts`));
  if ((inventory.patroni.synchronous_node_count ?? 1) >= members.length && members.length > 1)
    problems.push(
      error(
        ['patroni', 'synchronous_node_count'],
        `${members.length} database hosts have at most ${members.length - 1} synchronous standbys`,
      ),
    );
  if (members.length > 1 && members.every(([, host]) => host.tags?.nofailover))
    problems.push(
      error(['hosts', members[0]![0], 'tags'], 'every member has nofailover: nothing could ever take over'),
    );
  if (mode === 'quorum')
    for (const [name, host] of members)
      if (host.tags?.failover_priority !== undefined)
        problems.push(
          warning(
            ['hosts', name, 'tags', 'failover_priority'],
            'failover_priority has no effect with replication: quorum',
          ),
        );
  for (const [name, host] of members) {
    const source = host.tags?.replicatefrom;
    if (source && (source === name || !inventory.hosts[source]?.roles.includes('patroni')))
      problems.push(error(['hosts', name, 'tags', 'replicatefrom'], `${source} is no other database host`));
  }
  return problems;
};

const datacenters: Check = (inventory) => {
  const members = withRole(inventory, 'patroni');
  const placed = members.filter(([, host]) => host.datacenter !== undefined);
  if (placed.length === 0) return [];
  return members
    .filter(([, host]) => host.datacenter === undefined)
    .map(([name]) =>
      error(
        ['hosts', name],
        `${placed[0]![0]} has a datacenter and ${name} has none: every database host or none, for standbys are chosen by it`,
        true,
      ),
    );
};

const pools: Check = (inventory) => {
  const members = withRole(inventory, 'patroni');
  const pooled = withRole(inventory, 'pgbouncer');
  if (pooled.length === 0) return [];
  const path = (name: string): [string, string, string] => ['hosts', name, 'roles'];
  return [
    ...pooled
      .filter(([, host]) => !host.roles.includes('patroni'))
      .map(([name]) =>
        error(path(name), `pgbouncer on ${name} has no database to pool: it goes with the role patroni`),
      ),
    ...members
      .filter(([, host]) => !host.roles.includes('pgbouncer'))
      .map(([name]) =>
        error(path(name), `${pooled[0]![0]} has the role pgbouncer and ${name} has not: every database host or none`),
      ),
  ];
};

const tagsOnlyOnMembers: Check = (inventory) =>
  Object.entries(inventory.hosts).flatMap(([name, host]) => [
    ...(host.tags && !host.roles.includes('patroni')
      ? [error(['hosts', name, 'tags'], 'tags are for hosts with the role patroni', true)]
      : []),
    ...(['priority', 'vip'] as const)
      .filter((key) => host[key] !== undefined && !host.roles.includes('keepalived'))
      .map((key) => error(['hosts', name, key], `${key} is for hosts with the role keepalived`, true)),
    ...host.roles.flatMap((role, index) =>
      host.roles.indexOf(role) < index ? [error(['hosts', name, 'roles', index], `${role} is named twice`)] : [],
    ),
  ]);

const CHECKS: Check[] = [
  ...addresses,
  databases,
  dcsMembers,
  externalDcs,
  patroniTimes,
  etcdTimes,
  vip,
  repository,
  retention,
  clientsWithDatabase,
  replication,
  datacenters,
  pools,
  tagsOnlyOnMembers,
  portCollisions,
  paths,
  dataOfMembers,
  parameters,
  hostParameters,
  users,
  databasesDeclared,
  hba,
  extensions,
  standbyAlone,
  monitoring,
];
