import { parse } from 'ini';
import type { GeneratedHost } from './datacenters.ts';

/** What the hosts of a group are for; the usual names, and those of the collections that are in use for PostgreSQL. */
const GROUPS: readonly [names: string, role: string][] = [
  ['etcd', 'etcd'],
  ['postgres|postgresql|pg|databases?|dbs?|masters?|primary|replicas?|standbys?|patroni', 'patroni'],
  ['pgbouncer', 'pgbouncer'],
  ['balancers?|haproxy|lb|prox(y|ies)', 'haproxy'],
  ['keepalived', 'keepalived'],
  ['pgbackrest|backups?', 'pgbackrest'],
  ['clients?|apps?', 'client'],
];
/** `etcd`, `etcd_cluster`, `etcd-servers`, ... */
const isGroup = (group: string, names: string): boolean =>
  new RegExp(`^(${names})([_-](cluster|hosts?|servers?|nodes?))?$`).test(group);

/** `name key=value ...` as Ansible writes a host; ini has split it at the first `=`. */
function variablesOf(key: string, value: unknown): { name: string; variables: Record<string, string> } {
  const [name = '', ...rest] = (value === true ? key : `${key}=${String(value)}`).split(/\s+/);
  return {
    name,
    variables: Object.fromEntries(
      rest
        .map((word) => word.split('='))
        .map(([variable, text = '']) => [variable, text.replaceAll(/^["']|["']$/g, '')]),
    ),
  };
}

/**
 * The hosts of an Ansible inventory in INI form, with roles by the names of their groups. A host of no known group is
 * left out and named in `unknown`. Throws when there is no database host.
 */
export function fromAnsible(text: string): { hosts: GeneratedHost[]; unknown: string[] } {
  // ini takes a dot in a section's name for nesting, and addresses have dots only in keys.
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
  for (const [group, entries] of Object.entries(groups)) {
    if (group.includes(':') || typeof entries !== 'object') continue;
    for (const [key, value] of Object.entries(entries)) {
      const { name, variables } = variablesOf(key, value);
      if (/[[\]]/.test(name)) throw new Error(`${name}: a range of names is not understood; write the hosts out`);
      const there = hosts.get(name) ?? { name, address: name, roles: [] };
      const { ansible_host: address, ansible_user: user, ansible_port: port } = variables;
      const ssh = { ...there.ssh, ...(user ? { user } : {}), ...(port ? { port: Number(port) } : {}) };
      const reached = Object.keys(ssh).length > 0 ? { ssh } : {};
      hosts.set(name, { ...there, ...(address ? { address } : {}), ...reached });
    }
  }
  for (const group of Object.keys(groups).map((name) => name.replace(/:children$/, '')))
    for (const [names, role] of GROUPS)
      if (isGroup(group, names))
        for (const name of members(group)) {
          const host = hosts.get(name);
          if (host && !host.roles.includes(role)) host.roles.push(role);
        }
  const all = [...hosts.values()];
  const known = all.filter((host) => host.roles.length > 0);
  if (!known.some((host) => host.roles.includes('patroni')))
    throw new Error('no group looks like database hosts: postgres, database, master, replica, or patroni');
  // No group says where etcd is: with the databases, as everywhere else.
  if (!known.some((host) => host.roles.includes('etcd')))
    for (const host of known) if (host.roles.includes('patroni')) host.roles.unshift('etcd');
  const taken = new Map<string, number>();
  return {
    hosts: known.map((host) => ({ ...host, name: nameOf(host, taken) })),
    unknown: all.filter((host) => host.roles.length === 0).map((host) => host.name),
  };
}

/** A name of the host's own, or one by its role where Ansible knows it by its address only. */
function nameOf({ name, roles }: GeneratedHost, taken: Map<string, number>): string {
  const plain = name.toLowerCase().split('.')[0]!;
  if (/[a-z]/.test(plain) && !name.includes(':')) return plain.replaceAll(/[^a-z0-9-]/g, '-');
  const prefix = roles.includes('patroni') ? 'db' : roles.includes('haproxy') ? 'proxy' : roles[0]!;
  const next = (taken.get(prefix) ?? 0) + 1;
  taken.set(prefix, next);
  return `${prefix}${next}`;
}
