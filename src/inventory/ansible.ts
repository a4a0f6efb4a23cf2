import ipaddr from 'ipaddr.js';
import { ASSIGNABLE_ROLES, factsOf } from '../roles.ts';
import type { GeneratedHost } from './datacenters.ts';

/** Whether a group has one of these names: `etcd`, `etcd_cluster`, `etcd-servers`, ... */
const isGroup = (group: string, names: string | undefined): boolean =>
  names !== undefined && new RegExp(`^(${names})([_-](cluster|hosts?|servers?|nodes?))?$`).test(group);

/** Variables for the connection to a host, with their meaning; Ansible's old names too. */
const CONNECTION: Readonly<Record<string, 'address' | 'user' | 'port'>> = {
  ansible_host: 'address',
  ansible_ssh_host: 'address',
  ansible_user: 'user',
  ansible_ssh_user: 'user',
  ansible_port: 'port',
  ansible_ssh_port: 'port',
};
type Connection = { address?: string; user?: string; port?: string };

/** Other variables for the connection. hapg has its own setting for each, and ignoring one would connect elsewhere or fail. */
const REFUSED: Readonly<Record<string, string>> = {
  ansible_ssh_common_args: 'write jump hosts under ssh.jump or into ~/.ssh/config',
  ansible_ssh_extra_args: 'write jump hosts under ssh.jump or into ~/.ssh/config',
  ansible_ssh_private_key_file: 'name the key with ssh.key, --private-key or in ~/.ssh/config',
  ansible_private_key_file: 'name the key with ssh.key, --private-key or in ~/.ssh/config',
  ansible_connection: 'hapg reaches hosts over SSH only',
  ansible_password: 'hapg logs in with keys only',
  ansible_ssh_pass: 'hapg logs in with keys only',
  ansible_ssh_executable: 'set ssh.transport: openssh, and PATH for another ssh',
  ansible_become_method: 'hapg uses sudo',
  ansible_become_user: 'hapg becomes root',
};

/** Values with which a variable asks for what hapg does anyway. */
const SAME: Readonly<Record<string, RegExp>> = {
  ansible_connection: /^(ssh|smart|paramiko)$/,
  ansible_become_method: /^(ansible\.builtin\.)?sudo$/,
  ansible_become_user: /^root$/,
};

/** Variables that name a host's address in the network of the cluster, in the collections that are used for PostgreSQL. */
const INNER = ['bind_address', 'private_ip', 'private_address', 'internal_ip', 'private_ip_address', 'ip'];

/** An Ansible inventory, in whatever form it was written. */
export interface AnsibleInventory {
  /** Each host's variables: its own, and those of its groups where it has none. */
  hosts: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** The hosts of each group, those of its children included. */
  groups: ReadonlyMap<string, readonly string[]>;
}

/** Returns how a host is reached according to these variables. Throws for one that is neither supported nor irrelevant. */
function connectionOf(variables: Readonly<Record<string, string>>, where: string): Connection {
  const connection: Connection = {};
  for (const [name, value] of Object.entries(variables)) {
    if (name in REFUSED && !SAME[name]?.test(value))
      throw new Error(`${where}: ${name} is not taken over: ${REFUSED[name]}. Take it out here`);
    if (!(name in CONNECTION)) continue;
    if (value.includes('{{'))
      throw new Error(`${where}: ${name}=${value}: a template is not understood; write the value`);
    connection[CONNECTION[name]!] = value;
  }
  return connection;
}

/** Returns the address of a host in the network of the cluster, and where its way in leads elsewhere, that. */
function placeOf(name: string, { address: way }: Connection, variables: Readonly<Record<string, string>>) {
  const inner = [name, ...INNER.map((one) => variables[one])].find((one) => one !== undefined && ipaddr.isValid(one));
  const address = inner ?? way ?? name;
  return { address, ...(way !== undefined && way !== address ? { host: way } : {}) };
}

/**
 * Returns the hosts of an Ansible inventory, with roles by group name. A host of no known group is left out and named in
 * `unknown`. Throws without a database host, when two hosts would get the same name, and for a connection variable that is
 * not understood.
 */
export function hostsOf({ hosts: written, groups }: AnsibleInventory): { hosts: GeneratedHost[]; unknown: string[] } {
  const hosts = new Map<string, GeneratedHost>();
  for (const [name, variables] of written) {
    const connection = connectionOf(variables, name);
    const { user, port } = connection;
    if (port !== undefined && !/^\d+$/.test(port)) throw new Error(`${name}: ${port} is no port`);
    const { address, host } = placeOf(name, connection, variables);
    const ssh = { ...(user ? { user } : {}), ...(host ? { host } : {}), ...(port ? { port: Number(port) } : {}) };
    hosts.set(name, { name, address, roles: [], ...(Object.keys(ssh).length > 0 ? { ssh } : {}) });
  }
  for (const [group, members] of groups)
    for (const role of ASSIGNABLE_ROLES)
      if (isGroup(group, factsOf(role).ansibleGroups))
        for (const name of members) {
          const host = hosts.get(name);
          if (host && !host.roles.includes(role)) host.roles.push(role);
        }
  const all = [...hosts.values()];
  const known = all.filter((host) => host.roles.length > 0);
  if (!known.some((host) => host.roles.includes('patroni')))
    throw new Error('no group looks like database hosts: postgres, database, master, replica, or patroni');
  // Without a group for etcd it runs on the database hosts, the usual place.
  if (!known.some((host) => host.roles.includes('etcd')))
    for (const host of known) if (host.roles.includes('patroni')) host.roles.unshift('etcd');
  const taken = new Map<string, number>();
  const named = known.map((host) => ({ ...host, name: nameOf(host, taken) }));
  for (const [index, { name }] of named.entries()) {
    const first = named.findIndex((one) => one.name === name);
    if (first !== index)
      throw new Error(
        `${known[first]!.name} and ${known[index]!.name} would both be named ${name}: give one of them another name, with ansible_host for its address`,
      );
  }
  return {
    hosts: named,
    unknown: all.filter((host) => host.roles.length === 0).map((host) => host.name),
  };
}

/** Returns the host's own name, or one by its role when Ansible has only its address. */
function nameOf({ name, roles }: GeneratedHost, taken: Map<string, number>): string {
  const plain = name.toLowerCase().split('.')[0]!;
  if (/[a-z]/.test(plain) && !name.includes(':')) return plain.replaceAll(/[^a-z0-9-]/g, '-');
  const prefix = roles.includes('patroni') ? 'db' : roles.includes('haproxy') ? 'proxy' : roles[0]!;
  const next = (taken.get(prefix) ?? 0) + 1;
  taken.set(prefix, next);
  return `${prefix}${next}`;
}
