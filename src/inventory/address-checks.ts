import { factsOf, type RoleName } from '../roles.ts';
import { type Check, error, type HostEntry, type Path, warning, withRole } from './check.ts';
import { isMonitored } from './monitoring.ts';
import { canonical, contains, isIPv6, splitCidr } from './network.ts';
import type { Inventory } from './schema.ts';
import type { Problem } from './yaml-text.ts';

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

/** Checks the virtual address and its holders. */
export const vip: Check = (inventory) => {
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
      problems.push(error(['hosts', first[0], 'roles'], 'keepalived needs a top-level vip: {address, router_id}'));
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

/** Returns the port at a path of the inventory. */
const portAt = (inventory: Inventory, path: readonly string[]): number =>
  path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], inventory) as number;

/** Returns every port that a host listens on, with the path of the setting. */
export function portsOf(inventory: Inventory, host: HostEntry[1]): { port: number; what: string; path: Path }[] {
  const roles = new Set<RoleName>(host.roles);
  // With a repository host, pgBackRest also listens on the members.
  if (roles.has('patroni') && withRole(inventory, 'pgbackrest').length > 0) roles.add('pgbackrest');
  if (isMonitored(inventory)) roles.add('exporters');
  return [
    { port: 22, what: 'sshd', path: ['ssh'] },
    ...[...roles]
      .flatMap((role) => factsOf(role).ports ?? [])
      .map(({ path, what }) => ({ port: portAt(inventory, path), what, path: [...path] })),
  ];
}

/** Finds services that would listen on the same port of a host. */
export const portCollisions: Check = (inventory) => {
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

/** Checks endpoints of clients elsewhere: each member's own port, or balancers with several. */
const outside: Check = (inventory) =>
  Object.entries(inventory.hosts)
    .filter(([, host]) => host.outside)
    .flatMap(([name, host]) =>
      !host.roles.includes('patroni') || withRole(inventory, 'haproxy').length > 0
        ? [
            error(
              ['hosts', name, 'outside'],
              'outside is for database hosts that clients reach without a balancer',
              true,
            ),
          ]
        : [],
    );

/** Checks that every host has an address and an SSH endpoint of its own. */
export const addresses: Check[] = [uniqueAddresses, uniqueSshEndpoints, oneFamily, outside, jumps];
