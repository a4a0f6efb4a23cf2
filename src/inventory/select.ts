import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import { errnoWords } from '../file-trouble.ts';
import { fromHere } from '../from-here.ts';
import { ROLE_NAMES, type RoleName } from '../roles.ts';
import type { Cluster, Host } from './model.ts';
import { roleMeant } from './role-words.ts';
import { suggest } from './suggest.ts';

/**
 * Returns the hosts that `--limit` selects, in Ansible's syntax: names, roles and globs separated by commas or colons,
 * `!x` excludes, `&x` keeps the intersection, `@file` reads one pattern a line. Throws UsageError when nothing matches.
 */
export function limitHosts(cluster: Cluster, limit: string | undefined): Host[] {
  if (!limit) return [...cluster.hosts];
  const patterns = limit
    .split(/[,:]/)
    .flatMap((part) => (part.startsWith('@') ? readPatterns(part.slice(1)) : [part]))
    .map((part) => part.trim())
    .filter(Boolean);
  const plain = patterns.filter((part) => !/^[!&]/.test(part));
  let chosen = new Set(plain.length === 0 ? cluster.hosts : plain.flatMap((part) => match(cluster, part)));
  for (const part of patterns.filter((text) => text.startsWith('&'))) {
    const keep = new Set(match(cluster, part.slice(1)));
    chosen = new Set([...chosen].filter((host) => keep.has(host)));
  }
  for (const part of patterns.filter((text) => text.startsWith('!')))
    for (const host of match(cluster, part.slice(1))) chosen.delete(host);
  if (chosen.size === 0) throw new UsageError(`--limit ${limit}: matches no host of ${fromHere(cluster.file)}`);
  return cluster.hosts.filter((host) => chosen.has(host));
}

function readPatterns(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (cause) {
    throw new UsageError(`--limit @${file}: ${errnoWords(cause) ?? (cause as Error).message}`);
  }
}

function match(cluster: Cluster, pattern: string): Host[] {
  if (pattern === 'all' || pattern === '*') return [...cluster.hosts];
  if ((ROLE_NAMES as readonly string[]).includes(pattern))
    return cluster.hosts.filter((host) => host.roles.has(pattern as RoleName));
  const glob = globOf(pattern, '--limit');
  const found = cluster.hosts.filter((host) => glob.test(host.name));
  if (found.length === 0) throw noHost(cluster, cluster.hosts, `--limit ${pattern}`, pattern, 'host or role');
  return found;
}

/**
 * Returns the error of a name that no host has, or none of those that are meant: `where` is how it was given, `what` the
 * word for such hosts.
 */
export function noHost(
  cluster: Cluster,
  hosts: readonly Host[],
  where: string,
  name: string,
  what = 'host',
): UsageError {
  const names = hosts.map((host) => host.name);
  const meant = roleMeant(name);
  return new UsageError(
    `${where}: ${fromHere(cluster.file)} has no such ${what}; it has ${names.join(', ')}${suggest(name, names) || (meant ? `; ${meant}` : '')}`,
  );
}

/** Returns the host of a name, among those with a role. Throws UsageError; `how` is how the operator has named it. */
export function expectHost(cluster: Cluster, how: string, name: string, role?: RoleName): Host {
  const hosts = role ? cluster.hosts.filter((host) => host.roles.has(role)) : cluster.hosts;
  const found = hosts.find((host) => host.name === name);
  if (!found) throw noHost(cluster, hosts, how, name, role === 'patroni' ? 'database host' : 'host');
  return found;
}

/** Compiles a pattern with `*`, `?` and `[...]`; `flag` is where it was given. Throws UsageError. */
export function globOf(pattern: string, flag: string): RegExp {
  try {
    return new RegExp(
      `^${pattern
        .replace(/[.+^$()|\\{}]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    );
  } catch {
    throw new UsageError(`${flag}: "${pattern}" is no pattern: a bracket is open, or empty`);
  }
}

/** Returns the roles that `--tags` and `--skip-tags` leave. Throws UsageError for a word that is no role. */
export function selectRoles(tags: string | undefined, skip: string | undefined): ReadonlySet<RoleName> {
  const parse = (text: string, flag: string) =>
    text.split(',').map((word) => {
      if (!(ROLE_NAMES as readonly string[]).includes(word))
        throw new UsageError(`${flag} ${word}: ${roleMeant(word) ?? `not a role; one of ${ROLE_NAMES.join(', ')}`}`);
      return word as RoleName;
    });
  const chosen = new Set<RoleName>(tags ? parse(tags, '--tags') : ROLE_NAMES);
  for (const role of skip ? parse(skip, '--skip-tags') : []) chosen.delete(role);
  if (chosen.size === 0) throw new UsageError(`${tags ? `--tags ${tags} ` : ''}--skip-tags ${skip}: no role is left`);
  return chosen;
}
