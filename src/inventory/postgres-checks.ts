import { type Check, error, warning } from './check.ts';
import { extensionsOf, hasKnownSource } from './extensions.ts';
import type { Problem } from './yaml-text.ts';

export const extensions: Check = ({ postgres, patroni, apt }) => {
  const problems: Problem[] = [];
  const nameOf = (one: (typeof postgres.extensions)[number]) => (typeof one === 'string' ? one : one.name);
  const names = postgres.extensions.map(nameOf);
  for (const [index, name] of names.entries())
    if (names.indexOf(name) < index)
      problems.push(error(['postgres', 'extensions', index], `extension ${name} is named twice`));
  if (patroni.citus && !extensionsOf(postgres).some((one) => one.name === 'citus'))
    problems.push(
      error(['patroni', 'citus'], 'Patroni is to look after Citus, but postgres.extensions has no citus', true),
    );
  // What a database asks for by name alone must come with PostgreSQL, or from a package that hapg knows.
  const unknown = (name: string) =>
    !hasKnownSource(name) &&
    !postgres.extensions.some((one) => nameOf(one) === name && typeof one === 'object' && one.packages);
  const asked = [
    ...postgres.extensions.map((one, index) => ({ name: nameOf(one), path: ['postgres', 'extensions', index] })),
    ...postgres.databases.flatMap((database, at) =>
      database.extensions.map((name, index) => ({ name, path: ['postgres', 'databases', at, 'extensions', index] })),
    ),
  ];
  for (const { name, path } of asked)
    if (unknown(name) && postgres.packages.length === 0)
      problems.push(
        warning(
          path,
          `hapg knows no package of the extension ${name}, and PostgreSQL comes without it: postgres.extensions: [{name: ${name}, packages: [NAME]}]`,
        ),
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
