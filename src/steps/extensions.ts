import { SETTINGS_S } from '../bounds/postgres.ts';
import { hasSocket, psql, type Server } from '../programs/postgres.ts';
import type { RoleName } from '../roles.ts';
import { identifier } from './sql/text.ts';
import { type Kind, type Step, step } from './step.ts';

export interface ExtensionsWant {
  server: Server;
  database: string;
  names: readonly string[];
}

/** The extensions of a database; undefined when it cannot be asked, such as before it exists. */
type Installed = readonly string[] | undefined;

const missing = ({ want }: Step<ExtensionsWant>, installed: Installed): string[] =>
  want.names.filter((name) => !installed?.includes(name));

/** Extensions of one database, read and made on the leader. None is ever dropped. */
const extensionsKind: Kind<ExtensionsWant, Installed> = {
  name: 'extensions',
  volatile: true,
  probe: (steps) =>
    steps
      .map(
        ({ want: { server, database } }) =>
          `if ${hasSocket(server)}; then timeout 10 ${psql(server, database, '-c', "select string_agg(extname, ' ') from pg_extension")} 2>/dev/null || echo; else echo; fi`,
      )
      .join('\n'),
  parse(answer, steps) {
    const lines = answer.split('\n');
    return new Map(steps.map((one, index) => [one.id, lines[index] ? lines[index].split(' ') : undefined]));
  },
  diff(one, installed) {
    const names = missing(one, installed);
    return names.length === 0
      ? undefined
      : { action: 'create', summary: `create extension ${names.join(', ')} in ${one.want.database}` };
  },
  async change(one, installed, remote) {
    const { server, database } = one.want;
    for (const name of missing(one, installed))
      await remote.run(
        psql(server, database, '-c', `create extension if not exists ${identifier(name)} cascade`),
        SETTINGS_S,
      );
  },
};

export const extensions = (role: RoleName, want: ExtensionsWant): Step =>
  step(extensionsKind, role, want.database, want);
