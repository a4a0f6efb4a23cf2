import { type Check, error, warning, withRole } from './check.ts';
import type { Problem } from './yaml-text.ts';

/** Checks that repositories and drills have their hosts. */
export const repository: Check = (inventory) => {
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

/** Checks that what is kept is counted in one way. */
export const retention: Check = ({ pgbackrest }) =>
  pgbackrest.retention.full !== undefined && pgbackrest.retention.days !== undefined
    ? [
        error(
          ['pgbackrest', 'retention', 'days'],
          'full is a number of backups and days is an age: write one of them',
          true,
        ),
      ]
    : [];
