import { hasOwnPassword, isLogin, presentDatabases, presentUsers } from './accounts.ts';
import { type Check, error, withRole } from './check.ts';
import { isMonitored } from './monitoring.ts';
import { contains } from './network.ts';
import type { Inventory } from './schema.ts';
import { hotStandbySettings } from './standby.ts';
import type { Problem } from './yaml-text.ts';

/** Checks a standby cluster's inventory alone. */
export const standbyAlone: Check = ({ standby_of, standbys, cluster }) => [
  ...(standby_of !== undefined && Object.keys(standbys).length > 0
    ? [error(['standbys'], 'a standby cluster has no standby clusters of its own; name them at its source', true)]
    : []),
  ...(cluster in standbys ? [error(['standbys', cluster], 'a cluster is no standby of itself', true)] : []),
];

/**
 * Checks that a cluster can follow `upstream`. What must be the same in both (accounts, databases, the version) is
 * written in both inventories, so that it is still declared after a promotion. Pure.
 */
export function standbyOfUpstream(inventory: Inventory, upstream: Inventory, file: string): Problem[] {
  const problems: Problem[] = [];
  const wrong = (message: string) => problems.push(error(['standby_of'], message));
  if (inventory.cluster === upstream.cluster)
    wrong(`${file} is of the cluster ${upstream.cluster} too: a standby cluster has a name of its own`);
  const stanza = (one: Inventory) => one.pgbackrest.stanza ?? one.cluster;
  if (stanza(inventory) === stanza(upstream))
    wrong(`${file} has the stanza ${stanza(upstream)} too: both would archive there once this one is promoted`);
  const networks = upstream.standbys[inventory.cluster];
  if (!networks)
    wrong(`${file} lets nobody in for ${inventory.cluster}: write standbys: {${inventory.cluster}: [NETWORK]} there`);
  else
    for (const [name, { address }] of withRole(inventory, 'patroni'))
      if (!networks.some((one) => contains(one, address)))
        problems.push(
          error(['hosts', name, 'address'], `${file} lets ${inventory.cluster} in from ${networks.join(', ')} only`),
        );
  const theirs = new Set(withRole(upstream, 'patroni').map(([name]) => name));
  for (const [name] of withRole(inventory, 'patroni'))
    if (theirs.has(name))
      problems.push(
        error(
          ['hosts', name],
          `${file} has a database host ${name} too: commits there could be taken for safe once they are here`,
          true,
        ),
      );
  const [here, there] = [inventory.postgres, upstream.postgres];
  if (here.version !== there.version)
    wrong(`${file} has PostgreSQL ${there.version}, and a copy has the same: postgres.version`);
  const names = (postgres: Inventory['postgres']) => ({
    // Passwords are taken over as the source has them.
    users: presentUsers(postgres).map(
      (one) => `${one.name}${isLogin(one) ? '' : ' (a group)'}${hasOwnPassword(one) ? ' (password: own)' : ''}`,
    ),
    databases: presentDatabases(postgres).map((one) => `${one.name}${one.owner ? ` of ${one.owner}` : ''}`),
    extensions: postgres.extensions.map((one) => (typeof one === 'string' ? one : one.name)),
  });
  for (const kind of ['users', 'databases', 'extensions'] as const) {
    const [ours, needed] = [names(here)[kind], names(there)[kind]];
    const odd = [...needed.filter((one) => !ours.includes(one)), ...ours.filter((one) => !needed.includes(one))];
    if (odd.length > 0)
      wrong(`postgres.${kind} must be the same as in ${file}; only in one of the two: ${odd.join(', ')}`);
  }
  const wanted = hotStandbySettings(upstream);
  for (const [name, value] of Object.entries(hotStandbySettings(inventory)))
    if (Number(value) < Number(wanted[name as keyof typeof wanted]))
      wrong(
        `postgres.parameters.${name} is ${value}, and ${wanted[name as keyof typeof wanted]} in ${file}: a standby that has less does not start`,
      );
  if (withRole(inventory, 'pgbouncer').length > 0 && withRole(upstream, 'pgbouncer').length === 0)
    wrong(`${file} has no pgbouncer, so its databases have no account for one`);
  if (isMonitored(inventory) && !isMonitored(upstream))
    wrong(
      `${file} is not monitored, so its databases have no account for an exporter: give it the section monitoring too`,
    );
  return problems;
}
