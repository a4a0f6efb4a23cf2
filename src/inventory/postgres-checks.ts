import { type Check, error } from './check.ts';
import { extensionsOf } from './extensions.ts';
import { suggest } from './suggest.ts';
import type { Problem } from './yaml-text.ts';

export const sqlObjects: Check = ({ postgres }) => {
  const problems: Problem[] = [];
  const users = new Set<string>();
  for (const [index, user] of postgres.users.entries()) {
    if (users.has(user.name))
      problems.push(error(['postgres', 'users', index, 'name'], `user ${user.name} is named twice`));
    if (/^(postgres|replicator|rewinder|pgbouncer)$|^pg_/.test(user.name))
      problems.push(error(['postgres', 'users', index, 'name'], `${user.name} is reserved for the cluster itself`));
    users.add(user.name);
  }
  const names = new Set<string>();
  for (const [index, database] of postgres.databases.entries()) {
    if (names.has(database.name))
      problems.push(error(['postgres', 'databases', index, 'name'], `database ${database.name} is named twice`));
    if (/^(postgres|template[01])$/.test(database.name))
      problems.push(
        error(['postgres', 'databases', index, 'name'], `${database.name} always exists and is not managed`),
      );
    if (database.owner && !users.has(database.owner))
      problems.push(
        error(
          ['postgres', 'databases', index, 'owner'],
          `owner ${database.owner} is not among postgres.users${suggest(database.owner, [...users])}`,
        ),
      );
    names.add(database.name);
  }
  return problems;
};

export const extensions: Check = ({ postgres, patroni, apt }) => {
  const problems: Problem[] = [];
  const names = postgres.extensions.map((one) => (typeof one === 'string' ? one : one.name));
  for (const [index, name] of names.entries())
    if (names.indexOf(name) < index)
      problems.push(error(['postgres', 'extensions', index], `extension ${name} is named twice`));
  if (patroni.citus && !extensionsOf(postgres).some((one) => one.name === 'citus'))
    problems.push(
      error(['patroni', 'citus'], 'Patroni is to look after Citus, but postgres.extensions has no citus', true),
    );
  for (const [index, one] of apt.repositories.entries()) {
    const path = ['apt', 'repositories', index];
    if (apt.repositories.findIndex((other) => other.name === one.name) < index)
      problems.push(error([...path, 'name'], `repository ${one.name} is named twice`));
    // sources.list(5): "If suite specifies an exact path, components must be omitted and suite must end with a slash".
    if ((one.suite?.endsWith('/') ?? false) !== (one.components.length === 0))
      problems.push(
        error(
          [...path, 'suite'],
          'a suite that ends with a slash goes with components: [], any other with at least one',
          true,
        ),
      );
  }
  return problems;
};
