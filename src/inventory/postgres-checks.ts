import { type Check, error } from './check.ts';
import { extensionsOf } from './extensions.ts';
import type { Problem } from './yaml-text.ts';

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
