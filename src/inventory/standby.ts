import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { written } from '../postgres/written.ts';
import { type Check, error, withRole } from './check.ts';
import type { Inventory } from './schema.ts';
import type { Problem } from './source.ts';
import { clusterName, network, oneLine } from './values.ts';

export const standbyOf = oneLine
  .min(1)
  .optional()
  .describe('Makes this a standby cluster: path of the inventory of the cluster that it copies, until "hapg promote"');

export const standbys = z
  .record(clusterName, z.array(network).min(1, 'from which networks?'))
  .default({})
  .describe('Standby clusters of this one by name, with the networks of their database hosts');

/** The replication slot in which a cluster keeps WAL for a standby cluster; a cluster's name has no underscore. */
export const standbySlot = (name: string): string => `hapg_standby_${name.replaceAll('-', '_')}`;

/** Connections of standbys, and slots for them. Enough for growth: a figure that followed the number of members would restart all when one is added. */
export const senders = ({ hosts }: Pick<Inventory, 'hosts'>): number =>
  Math.max(20, 2 * Object.values(hosts).filter((host) => host.roles.includes('patroni')).length + 4);

/** Settings of which a standby must have at least what its source has (PostgreSQL documentation, "Administrator's Overview" of hot standby). */
export function hotStandbySettings({ postgres, hosts }: Pick<Inventory, 'postgres' | 'hosts'>) {
  const said = (name: string, otherwise: number) =>
    written(Number(postgres.version), name, postgres.parameters[name] ?? otherwise);
  return {
    max_connections: said('max_connections', 200),
    max_wal_senders: said('max_wal_senders', senders({ hosts })),
    max_worker_processes: said('max_worker_processes', 8),
    max_prepared_transactions: said('max_prepared_transactions', 0),
    max_locks_per_transaction: said('max_locks_per_transaction', 64),
  };
}

/** What an inventory alone can tell. */
export const standbyAlone: Check = ({ standby_of, standbys, cluster }) => [
  ...(standby_of !== undefined && Object.keys(standbys).length > 0
    ? [error(['standbys'], 'a standby cluster has no standby clusters of its own; name them at its source', true)]
    : []),
  ...(cluster in standbys ? [error(['standbys', cluster], 'a cluster is no standby of itself', true)] : []),
];

/**
 * Whether a cluster can be a copy of `source`: what a copy cannot have otherwise than its source (accounts, databases, the
 * version) is written alike, so that it stands in the inventory when the copy is promoted. Pure.
 */
export function standbyOfSource(inventory: Inventory, source: Inventory, file: string): Problem[] {
  const problems: Problem[] = [];
  const wrong = (message: string) => problems.push(error(['standby_of'], message));
  if (inventory.cluster === source.cluster)
    wrong(`${file} is of the cluster ${source.cluster} too: a standby cluster has a name of its own`);
  const stanza = (one: Inventory) => one.pgbackrest.stanza ?? one.cluster;
  if (stanza(inventory) === stanza(source))
    wrong(`${file} has the stanza ${stanza(source)} too: both would archive there once this one is promoted`);
  const networks = source.standbys[inventory.cluster];
  if (!networks)
    wrong(`${file} lets nobody in for ${inventory.cluster}: write standbys: {${inventory.cluster}: [NETWORK]} there`);
  else
    for (const [name, { address }] of withRole(inventory, 'patroni'))
      if (!networks.some((one) => contains(one, address)))
        problems.push(
          error(['hosts', name, 'address'], `${file} lets ${inventory.cluster} in from ${networks.join(', ')} only`),
        );
  const theirs = new Set(withRole(source, 'patroni').map(([name]) => name));
  for (const [name] of withRole(inventory, 'patroni'))
    if (theirs.has(name))
      problems.push(
        error(
          ['hosts', name],
          `${file} has a database host ${name} too: commits there could be taken for safe once they are here`,
          true,
        ),
      );
  const [here, there] = [inventory.postgres, source.postgres];
  if (here.version !== there.version)
    wrong(`${file} has PostgreSQL ${there.version}, and a copy has the same: postgres.version`);
  const names = (postgres: Inventory['postgres']) => ({
    users: postgres.users.map((one) => one.name),
    databases: postgres.databases.map((one) => `${one.name}${one.owner ? ` of ${one.owner}` : ''}`),
    extensions: postgres.extensions.map((one) => (typeof one === 'string' ? one : one.name)),
  });
  for (const kind of ['users', 'databases', 'extensions'] as const) {
    const [ours, needed] = [names(here)[kind], names(there)[kind]];
    const odd = [...needed.filter((one) => !ours.includes(one)), ...ours.filter((one) => !needed.includes(one))];
    if (odd.length > 0)
      wrong(`postgres.${kind} are those of ${file}, for a copy has no others; not in both: ${odd.join(', ')}`);
  }
  const wanted = hotStandbySettings(source);
  for (const [name, value] of Object.entries(hotStandbySettings(inventory)))
    if (Number(value) < Number(wanted[name as keyof typeof wanted]))
      wrong(
        `postgres.parameters.${name} is ${value}, and ${wanted[name as keyof typeof wanted]} in ${file}: a standby that has less does not start`,
      );
  if (withRole(inventory, 'pgbouncer').length > 0 && withRole(source, 'pgbouncer').length === 0)
    wrong(`${file} has no pgbouncer, so its databases have no account for one`);
  return problems;
}

function contains(cidr: string, address: string): boolean {
  const [range, one] = [ipaddr.parseCIDR(cidr), ipaddr.parse(address)];
  return one.kind() === range[0].kind() && one.match(range as [ipaddr.IPv4, number]);
}
