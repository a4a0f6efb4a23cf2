import { settingStatements } from './settings.ts';
import type { DatabaseState } from './state.ts';
import { identifier, type Statement } from './text.ts';
import type { DatabaseWant } from './want.ts';

/** Returns the statements that make the databases as declared. */
export const databaseStatements = (want: readonly DatabaseWant[], state: readonly DatabaseState[]): Statement[] =>
  want.flatMap(({ name, owner, connectionLimit, settings }): Statement[] => {
    const there = state.find((one) => one.name === name);
    const quoted = identifier(name);
    const limit = (): Statement => ({
      text: `connection limit of database ${name}${there ? ` ${there.limit}` : ''} → ${connectionLimit}`,
      statement: () => `alter database ${quoted} connection limit ${connectionLimit}`,
    });
    return [
      ...(there
        ? there.owner === owner
          ? []
          : [
              {
                text: `owner of ${name} ${there.owner} → ${owner}`,
                statement: () => `alter database ${quoted} owner to ${identifier(owner)}`,
              },
            ]
        : [
            {
              text: `create database ${name}`,
              statement: () => `create database ${quoted} owner ${identifier(owner)}`,
            },
          ]),
      ...((there?.limit ?? -1) === connectionLimit ? [] : [limit()]),
      ...settingStatements(`database ${quoted}`, `database ${name}`, settings, there?.settings ?? []),
    ];
  });
