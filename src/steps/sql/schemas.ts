import type { RightsState, RightsWant } from './rights.ts';
import { identifier, type Statement } from './text.ts';

/** Returns the statements that make the schemas of a database as declared. None is dropped. */
export const schemaStatements = ({ schemas }: RightsWant, state: RightsState): Statement[] =>
  schemas.flatMap(({ name, owner }) => {
    const there = state.schemas.find((one) => one.name === name);
    if (!there)
      return [
        {
          text: `create schema ${name}`,
          statement: () => `create schema ${identifier(name)} authorization ${identifier(owner)}`,
        },
      ];
    if (there.owner === owner) return [];
    return [
      {
        text: `owner of schema ${name} ${there.owner} → ${owner}`,
        statement: () => `alter schema ${identifier(name)} owner to ${identifier(owner)}`,
      },
    ];
  });
