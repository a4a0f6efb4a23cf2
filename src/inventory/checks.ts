import { timing } from '../cluster/timing.ts';
import { type Check, error, type Path, warning } from './check.ts';
import { canonical, contains, isIPv6, splitCidr } from './network.ts';
import { parameters, sqlObjects } from './postgres-checks.ts';
import type { Inventory } from './schema.ts';
import type { Problem } from './source.ts';

type HostEntry = [name: string, host: Inventory['hosts'][string]];
const withRole = (inventory: Inventory, role: HostEntry[1]['roles'][number]): HostEntry[] =>
  Object.entries(inventory.hosts).filter(([, host]) => host.roles.includes(role));

/** Everything that one value alone cannot tell; pure, in the order in which a person would want to hear it. */
export function crossCheck(inventory: Inventory): Problem[] {
  return CHECKS.flatMap((check) => check(inventory));
}

const uniqueAddresses: Check = (inventory) => {
  const owner = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, host] of Object.entries(inventory.hosts)) {
    const key = canonical(host.address);
    const other = owner.get(key);
    if (other) problems.push(error(['hosts', name, 'address'], `address ${host.address} is already used by ${other}`));
    owner.set(key, name);
  }
  return problems;
};

const uniqueSshEndpoints: Check = (inventory) => {
  const owner = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, host] of Object.entries(inventory.hosts)) {
    if (!host.ssh?.host && !host.ssh?.port) continue;
    const key = `${host.ssh.host ?? host.address}:${host.ssh.port ?? inventory.ssh.port ?? 22}/${host.ssh.jump ?? ''}`;
    const other = owner.get(key);
    if (other)
      problems.push(
        error(['hosts', name, 'ssh'], `${name} and ${other} are reached at the same ssh host and port`, true),
      );
    owner.set(key, name);
  }
  return problems;
};

const oneFamily: Check = (inventory) => {
  const entries = Object.entries(inventory.hosts);
  const first = entries[0];
  if (!first) return [];
  return entries
    .filter(([, host]) => isIPv6(host.address) !== isIPv6(first[1].address))
    .map(([name, host]) =>
      error(['hosts', name, 'address'], `${host.address} is of another address family than ${first[0]}'s`),
    );
};

const databases: Check = (inventory) => {
  const members = withRole(inventory, 'patroni');
  if (members.length === 0) return [error(['hosts'], 'no host has the role patroni: there would be no database', true)];
  if (members.length === 1) return [warning(['hosts'], 'one database host is not highly available', true)];
  return [];
};

const dcsMembers: Check = (inventory) => {
  const count = withRole(inventory, 'etcd').length;
  if (count === 0) return [error(['hosts'], 'no host has the role etcd: Patroni needs a DCS', true)];
  if (count < 3 && withRole(inventory, 'patroni').length === 2 && !inventory.accept_no_quorum)
    return [
      error(
        ['hosts'],
        `two database hosts with ${count === 1 ? 'one etcd member' : 'two etcd members'}: when ${count === 1 ? 'the host of that member' : 'either of them'} is lost, etcd has no quorum and the other database cannot take over. Add a small third host with the role etcd alone (a witness), or accept that a person has to act with accept_no_quorum: true`,
        true,
      ),
    ];
  if (count === 1)
    return [warning(['hosts'], 'one etcd member: the loss of that host stops all failovers; use three', true)];
  if (count % 2 === 0)
    return [
      warning(['hosts'], `${count} etcd members survive no more failures than ${count - 1}; use an odd number`, true),
    ];
  return [];
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

const vip: Check = (inventory) => {
  const problems: Problem[] = [];
  const balancers = withRole(inventory, 'keepalived');
  for (const [name, host] of balancers)
    if (!host.roles.includes('haproxy'))
      problems.push(
        error(['hosts', name, 'roles'], `keepalived on ${name} has no haproxy to watch over: add the role haproxy`),
      );
  const first = balancers[0];
  if (!inventory.vip) {
    if (first)
      problems.push(
        error(['hosts', first[0], 'roles'], 'keepalived needs a top-level vip: {address, interface, router_id}'),
      );
    return problems;
  }
  if (!first) problems.push(error(['vip'], 'a vip needs hosts with the roles haproxy and keepalived', true));
  if (balancers.length === 1) problems.push(warning(['vip'], 'one keepalived host: the VIP has nowhere to move', true));
  const { address, prefix } = splitCidr(inventory.vip.address);
  const cidr = `${address}/${prefix}`;
  if (prefix === 32 || prefix === 128)
    problems.push(error(['vip', 'address'], `write the prefix length of the VIP's network, such as ${address}/24`));
  else
    for (const [name, host] of balancers)
      if (!contains(cidr, host.address))
        problems.push(error(['vip', 'address'], `the VIP ${cidr} is not in the network of ${name} (${host.address})`));
  for (const [name, host] of Object.entries(inventory.hosts))
    if (canonical(host.address) === address)
      problems.push(error(['vip', 'address'], `the VIP ${address} is the address of host ${name}`));
  const priorities = new Map<number, string>();
  for (const [name, host] of balancers) {
    if (host.priority === undefined) continue;
    const other = priorities.get(host.priority);
    if (other)
      problems.push(error(['hosts', name, 'priority'], `${other} has the same VRRP priority ${host.priority}`));
    priorities.set(host.priority, name);
  }
  return problems;
};

const repository: Check = (inventory) => {
  const hosts = withRole(inventory, 'pgbackrest');
  const problems: Problem[] = [];
  const { repositories, drill } = inventory.pgbackrest;
  if (hosts.length === 0 && !repositories)
    problems.push(
      warning(
        ['hosts'],
        'no host has the role pgbackrest, and pgbackrest.repositories names none: there will be no backups',
        true,
      ),
    );
  for (const [index, one] of (repositories ?? []).entries())
    if (one.kind === 'host' && hosts.length === 0)
      problems.push(error(['pgbackrest', 'repositories', index], 'kind: host needs a host with the role pgbackrest'));
    else if (one.kind === 'host' && repositories!.findIndex((other) => other.kind === 'host') < index)
      problems.push(error(['pgbackrest', 'repositories', index], 'one repository of the kind host is enough'));
  if (drill.host && !inventory.hosts[drill.host]?.roles.some((role) => role === 'pgbackrest' || role === 'patroni'))
    problems.push(
      error(['pgbackrest', 'drill', 'host'], `${drill.host} is no host with the role pgbackrest or patroni`),
    );
  if (drill.schedule && !drill.host && hosts.length === 0)
    problems.push(error(['pgbackrest', 'drill', 'schedule'], 'say on which host: pgbackrest.drill.host'));
  for (const [name] of hosts.slice(1))
    problems.push(
      error(
        ['hosts', name, 'roles'],
        `the repository is already on ${hosts[0]?.[0]}: one pgbackrest host is supported`,
      ),
    );
  for (const [name, host] of hosts)
    if (host.roles.includes('patroni'))
      problems.push(
        error(
          ['hosts', name, 'roles'],
          `the repository on a database host is lost together with it: give pgbackrest a host of its own`,
        ),
      );
  return problems;
};

const clientsWithDatabase: Check = (inventory) => {
  const problems: Problem[] = [];
  for (const [name] of withRole(inventory, 'client'))
    if (inventory.postgres.databases.length === 0 || inventory.postgres.users.length === 0)
      problems.push(
        warning(['hosts', name, 'roles'], 'a client host needs postgres.databases and postgres.users to connect to'),
      );
  if (inventory.clients.length === 0)
    problems.push(warning(['cluster'], 'clients is empty: no network but the cluster hosts may reach the endpoints'));
  return problems;
};

const replication: Check = (inventory) => {
  const members = withRole(inventory, 'patroni');
  const problems: Problem[] = [];
  const mode = inventory.replication;
  if (mode && mode !== 'async' && members.length < 2)
    problems.push(error(['replication'], `replication: ${mode} needs at least two database hosts`));
  if (inventory.patroni.synchronous_node_count >= members.length && members.length > 1)
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

const tagsOnlyOnMembers: Check = (inventory) =>
  Object.entries(inventory.hosts).flatMap(([name, host]) => [
    ...(host.tags && !host.roles.includes('patroni')
      ? [error(['hosts', name, 'tags'], 'tags are for hosts with the role patroni', true)]
      : []),
    ...(host.priority !== undefined && !host.roles.includes('keepalived')
      ? [error(['hosts', name, 'priority'], 'priority is for hosts with the role keepalived', true)]
      : []),
    ...host.roles.flatMap((role, index) =>
      host.roles.indexOf(role) < index ? [error(['hosts', name, 'roles', index], `${role} is named twice`)] : [],
    ),
  ]);

/** Every port that a host listens on, with the path of the setting, by role. */
function portsOf(inventory: Inventory, host: HostEntry[1]): { port: number; what: string; path: Path }[] {
  const { postgres, patroni, etcd, haproxy, pgbackrest } = inventory;
  const has = (role: HostEntry[1]['roles'][number]) => host.roles.includes(role);
  return [
    { port: 22, what: 'sshd', path: ['ssh'] },
    ...(has('patroni')
      ? [
          { port: postgres.port, what: 'PostgreSQL', path: ['postgres', 'port'] },
          { port: patroni.port, what: 'Patroni', path: ['patroni', 'port'] },
        ]
      : []),
    ...(has('etcd')
      ? [
          { port: etcd.client_port, what: 'etcd clients', path: ['etcd', 'client_port'] },
          { port: etcd.peer_port, what: 'etcd peers', path: ['etcd', 'peer_port'] },
        ]
      : []),
    ...(has('pgbackrest') || (has('patroni') && withRole(inventory, 'pgbackrest').length > 0)
      ? [{ port: pgbackrest.port, what: 'pgBackRest', path: ['pgbackrest', 'port'] }]
      : []),
    ...(has('haproxy')
      ? Object.entries(haproxy.ports).map(([name, port]) => ({
          port,
          what: `HAProxy ${name}`,
          path: ['haproxy', 'ports', name],
        }))
      : []),
  ];
}

const portCollisions: Check = (inventory) => {
  const problems = new Map<string, Problem>();
  for (const [name, host] of Object.entries(inventory.hosts)) {
    const taken = new Map<number, string>();
    for (const { port, what, path } of portsOf(inventory, host)) {
      const other = taken.get(port);
      if (other && !problems.has(path.join('.')))
        problems.set(path.join('.'), error(path, `port ${port} of ${what} collides with ${other} on ${name}`));
      taken.set(port, what);
    }
  }
  return [...problems.values()];
};

const jumps: Check = (inventory) => {
  const problems: Problem[] = [];
  for (const [name, host] of Object.entries(inventory.hosts))
    if (host.ssh?.jump === name)
      problems.push(error(['hosts', name, 'ssh', 'jump'], `${name} cannot be its own jump host`));
  return problems;
};

const CHECKS: Check[] = [
  uniqueAddresses,
  uniqueSshEndpoints,
  oneFamily,
  databases,
  dcsMembers,
  patroniTimes,
  etcdTimes,
  vip,
  repository,
  clientsWithDatabase,
  replication,
  tagsOnlyOnMembers,
  portCollisions,
  parameters,
  sqlObjects,
  jumps,
];
