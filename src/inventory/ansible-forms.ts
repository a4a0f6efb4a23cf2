import { parse as parseIni } from 'ini';
import { parse as parseYaml } from 'yaml';
import type { AnsibleInventory } from './ansible.ts';

/** A group as it is written: its own hosts with their variables, its variables, its children. */
interface Group {
  hosts: Map<string, Record<string, string>>;
  variables: Record<string, string>;
  children: string[];
}

/**
 * Reads an Ansible inventory in INI or YAML form, without Ansible. Throws with the line for what is not understood.
 * Variables beside the inventory (group_vars, host_vars) are not seen.
 */
export const readAnsible = (text: string): AnsibleInventory =>
  merged(looksLikeYaml(text) ? groupsInYaml(text) : groupsInIni(text));

const looksLikeYaml = (text: string): boolean => /^(?:---|[\w-]+:\s*(?:#.*)?)$/m.test(text) && !/^\s*\[/m.test(text);

/** Reads what `ansible-inventory --list` prints, which has every variable in its place. Throws for another text. */
export function readAnsibleList(json: string): AnsibleInventory {
  const all = JSON.parse(json) as Record<string, { hosts?: string[]; children?: string[] }> & {
    _meta?: { hostvars?: Record<string, Record<string, unknown>> };
  };
  const { _meta: meta, ...written } = all;
  const members = (group: string, seen = new Set<string>()): string[] => {
    if (seen.has(group)) return [];
    seen.add(group);
    const { hosts = [], children = [] } = written[group] ?? {};
    return [...hosts, ...children.flatMap((child) => members(child, seen))];
  };
  const groups = new Map(Object.keys(written).map((group) => [group, [...new Set(members(group))]]));
  const names = [...new Set([...groups.values()].flat())];
  return { groups, hosts: new Map(names.map((name) => [name, texts(meta?.hostvars?.[name] ?? {})])) };
}

/** Variables as texts; lists and mappings say nothing of a connection. */
const texts = (variables: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables)
      .filter(([, value]) => value !== null && typeof value !== 'object')
      .map(([name, value]) => [name, String(value)]),
  );

/** Splits a line into words as a shell does; quotation marks keep spaces, a comment ends it. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:[^\s"'#]|#(?<=\S#)|"[^"]*"|'[^']*')+|#.*/g)) {
    if (word.startsWith('#')) break;
    words.push(
      word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_all, double?: string, single?: string) => double ?? single ?? ''),
    );
  }
  return words;
}

/** Expands the ranges of a host's pattern: `db[01:03]`, `db[a:c]`, with a step behind a second colon. */
function namesOf(pattern: string, where: string): string[] {
  const [, before, from, to, step = '1', after] = /^(.*?)\[(\w+):(\w+)(?::(\d+))?\](.*)$/.exec(pattern) ?? [];
  if (from === undefined) {
    if (/[[\]]/.test(pattern) && !pattern.includes(':')) throw new Error(`${where}: ${pattern} is not understood`);
    return [pattern];
  }
  const isNumeric = /^\d+$/.test(from) && /^\d+$/.test(to!);
  const [first, last] = isNumeric ? [Number(from), Number(to)] : [from.charCodeAt(0), to!.charCodeAt(0)];
  if (!isNumeric && (from.length !== 1 || to!.length !== 1)) throw new Error(`${where}: ${pattern} is not understood`);
  const names: string[] = [];
  for (let at = first; at <= last; at += Math.max(1, Number(step))) {
    const name = isNumeric ? String(at).padStart(from.length, '0') : String.fromCharCode(at);
    names.push(...namesOf(`${before}${name}${after}`, where));
  }
  return names;
}

/** Takes a port off a host's name, `name:2222` or `[fd00::1]:2222`. */
function placeIn(word: string): { name: string; port?: string } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(word) ?? [];
  return port === undefined ? { name: word } : { name: bracketed ?? plain!, port };
}

function groupsInIni(text: string): Map<string, Group> {
  const groups = new Map<string, Group>();
  const groupOf = (name: string): Group => {
    if (!groups.has(name)) groups.set(name, { hosts: new Map(), variables: {}, children: [] });
    return groups.get(name)!;
  };
  let section = 'ungrouped';
  let kind = 'hosts';
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `line ${index + 1}`;
    if (/^\s*(?:[;#]|$)/.test(line)) continue;
    const [, name, its] = /^\s*\[([^:\]]+)(?::(\w+))?\]\s*(?:[#;].*)?$/.exec(line) ?? [];
    if (name !== undefined) {
      [section, kind] = [name.trim(), its ?? 'hosts'];
      if (!['hosts', 'children', 'vars'].includes(kind))
        throw new Error(`${where}: [${name}:${kind}] is not understood`);
      groupOf(section);
      continue;
    }
    if (kind === 'vars') {
      // The dots of a variable's name are none of a section's.
      for (const [key, value] of Object.entries(parseIni(line) as Record<string, unknown>))
        groupOf(section).variables[key] = String(value).replace(/^(["'])(.*)\1$/, '$2');
      continue;
    }
    const [pattern = '', ...rest] = wordsOf(line);
    if (kind === 'children') {
      groupOf(section).children.push(pattern);
      continue;
    }
    const variables = Object.fromEntries(
      rest.map((word): [string, string] => {
        const at = word.indexOf('=');
        if (at < 1) throw new Error(`${where}: "${word}" is no variable (NAME=VALUE)`);
        return [word.slice(0, at), word.slice(at + 1)];
      }),
    );
    const { name: place, port } = placeIn(pattern);
    for (const host of namesOf(place, where))
      groupOf(section).hosts.set(host, {
        ...groupOf(section).hosts.get(host),
        ...(port === undefined ? {} : { ansible_port: port }),
        ...variables,
      });
  }
  return groups;
}

interface Written {
  hosts?: Record<string, Record<string, unknown> | null> | null;
  vars?: Record<string, unknown> | null;
  children?: Record<string, Written | null> | null;
}

function groupsInYaml(text: string): Map<string, Group> {
  const groups = new Map<string, Group>();
  const add = (name: string, written: Written | null): void => {
    const group: Group = groups.get(name) ?? { hosts: new Map(), variables: {}, children: [] };
    groups.set(name, group);
    for (const [pattern, variables] of Object.entries(written?.hosts ?? {}))
      for (const host of namesOf(pattern, name))
        group.hosts.set(host, { ...group.hosts.get(host), ...texts(variables ?? {}) });
    Object.assign(group.variables, texts(written?.vars ?? {}));
    for (const [child, its] of Object.entries(written?.children ?? {})) {
      group.children.push(child);
      add(child, its);
    }
  };
  for (const [name, written] of Object.entries((parseYaml(text) ?? {}) as Record<string, Written | null>))
    add(name, written);
  return groups;
}

/** Gives each host the variables of its groups: a child's win over its parents', a host's own over all, those of all last. */
function merged(written: ReadonlyMap<string, Group>): AnsibleInventory {
  const members = (group: string, seen = new Set<string>()): string[] => {
    if (seen.has(group)) return [];
    seen.add(group);
    const its = written.get(group);
    const below = (its?.children ?? []).flatMap((child) => members(child, seen));
    return [...new Set([...(its?.hosts.keys() ?? []), ...below])];
  };
  const groups = new Map([...written.keys()].map((group) => [group, members(group)]));
  for (const { children } of written.values())
    for (const child of children) if (!groups.has(child)) groups.set(child, []);
  const own = new Map<string, Record<string, string>>();
  for (const { hosts } of written.values())
    for (const [name, variables] of hosts) own.set(name, { ...own.get(name), ...variables });
  // The group with fewer hosts is the nearer one.
  const order = [...written.keys()].sort(
    (a, b) => Number(b === 'all') - Number(a === 'all') || groups.get(b)!.length - groups.get(a)!.length,
  );
  const hosts = new Map(
    [...own].map(([name, variables]) => [
      name,
      Object.assign(
        {},
        ...order
          .filter((group) => group === 'all' || groups.get(group)!.includes(name))
          .map((group) => written.get(group)!.variables),
        variables,
      ) as Record<string, string>,
    ]),
  );
  return { hosts, groups };
}
