import { parse } from 'ini';
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
};

const unquoted = (text: string): string => text.trim().replaceAll(/^["']|["']$/g, '');

/** Returns how a host is reached according to these variables. Throws for one that is neither supported nor irrelevant. */
function connectionOf(variables: Readonly<Record<string, string>>, where: string): Connection {
  const connection: Connection = {};
  for (const [name, value] of Object.entries(variables)) {
    if (name in REFUSED && !(name === 'ansible_connection' && /^(ssh|smart|paramiko)$/.test(value)))
      throw new Error(`${where}: ${name} is not taken over: ${REFUSED[name]}. Take it out here`);
    if (!(name in CONNECTION)) continue;
    if (value.includes('{{'))
      throw new Error(`${where}: ${name}=${value}: a template is not understood; write the value`);
    connection[CONNECTION[name]!] = value;
  }
  return connection;
}

/** Reads Ansible's line of a host, `name key=value ...`, which the ini parser has split at the first `=`. */
function variablesOf(key: string, value: unknown): { name: string; variables: Record<string, string> } {
  const [name = '', ...rest] = (value === true ? key : `${key}=${String(value)}`).split(/\s+/);
  return {
    name,
    variables: Object.fromEntries(
      rest
        .map((word) => word.split('='))
        .map(([variable, ...text]): [string, string] => [variable ?? '', unquoted(text.join('='))]),
    ),
  };
}

/**
 * Reads the hosts of an Ansible inventory in INI form, with roles by group name. A host of no known group is left out
 * and named in `unknown`. Connections come from a host's own variables, then from those of its groups ([GROUP:vars], a
 * group's before its parents', all's last). Throws without a database host, when two hosts would get the same name, and
 * for a connection variable that is not understood.
 */
export function fromAnsible(text: string): { hosts: GeneratedHost[]; unknown: string[] } {
  // The ini parser takes a dot in a section's name for nesting; addresses have dots only in keys.
  const groups = parse(text) as Record<string, Record<string, unknown> | true | string>;
  const hosts = new Map<string, GeneratedHost>();
  const members = (group: string, seen: Set<string> = new Set()): string[] => {
    if (seen.has(group)) return [];
    seen.add(group);
    const children = Object.keys((groups[`${group}:children`] ?? {}) as object);
    const own = Object.entries((typeof groups[group] === 'object' ? groups[group] : {}) as object);
    return [
      ...own.map(([key, value]) => variablesOf(key, value).name),
      ...children.flatMap((child) => members(child, seen)),
    ];
  };
  const variables = (group: string): Connection => {
    const entries = groups[`${group}:vars`];
    const texts = Object.entries(typeof entries === 'object' ? entries : {});
    return connectionOf(
      Object.fromEntries(texts.map(([name, value]) => [name, unquoted(String(value))])),
      `[${group}:vars]`,
    );
  };
  const own = new Map<string, Connection>();
  for (const [group, entries] of Object.entries(groups)) {
    if (group.includes(':') || typeof entries !== 'object') continue;
    for (const [key, value] of Object.entries(entries)) {
      const { name, variables } = variablesOf(key, value);
      if (/[[\]]/.test(name)) throw new Error(`${name}: a range of names is not understood; write the hosts out`);
      own.set(name, { ...own.get(name), ...connectionOf(variables, name) });
    }
  }
  // In Ansible a child's variables override its parent's; the group with fewer hosts is the nearer one.
  const withVariables = [...new Set(Object.keys(groups).flatMap((name) => /^(.+):vars$/.exec(name)?.[1] ?? []))]
    .map((group) => ({ group, hosts: group === 'all' ? [...own.keys()] : members(group), says: variables(group) }))
    .sort((a, b) => Number(b.group === 'all') - Number(a.group === 'all') || b.hosts.length - a.hosts.length);
  for (const [name, its] of own) {
    const groupsOf = withVariables.filter((one) => one.hosts.includes(name)).map((one) => one.says);
    const { address, user, port } = Object.assign({}, ...groupsOf, its) as Connection;
    if (port !== undefined && !/^\d+$/.test(port)) throw new Error(`${name}: ${port} is no port`);
    const ssh = { ...(user ? { user } : {}), ...(port ? { port: Number(port) } : {}) };
    hosts.set(name, { name, address: address ?? name, roles: [], ...(Object.keys(ssh).length > 0 ? { ssh } : {}) });
  }
  for (const group of Object.keys(groups).map((name) => name.replace(/:children$/, '')))
    for (const role of ASSIGNABLE_ROLES)
      if (isGroup(group, factsOf(role).ansibleGroups))
        for (const name of members(group)) {
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
