import { SETTINGS_S } from '../bounds/postgres.ts';
import { hasSocket } from '../programs/postgres.ts';
import type { RoleName } from '../roles.ts';
import { print } from '../shell/quote.ts';
import { type Placed, type RemovalsState, type RemovalsWant, removals, removalsQuery } from './sql/removals.ts';
import { QUERY, type SqlState } from './sql/state.ts';
import { answered, ask, run, script } from './sql/text.ts';
import { type Kind, type Step, step } from './step.ts';

type State = { shared: SqlState; holding: RemovalsState } | undefined;

/** Users and databases that are to be gone, and with `--prune` what is not declared; read and dropped on the leader. */
const removalsKind: Kind<RemovalsWant, State> = {
  name: 'sql-removals',
  volatile: true,
  probe: (steps) =>
    steps
      .map(({ want }) => {
        const line = (query: string) => `${ask(want.server, 'postgres', query)} || echo`;
        return `if ${hasSocket(want.server)}; then ${line(QUERY)}; ${line(removalsQuery(want))}; else echo; echo; fi`;
      })
      .join('\n'),
  parse(answer, steps) {
    const lines = answer.split('\n');
    return new Map(
      steps.map((one, index) => {
        const shared = answered<SqlState>(lines[2 * index]);
        const holding = answered<RemovalsState>(lines[2 * index + 1]);
        return [one.id, shared && holding && { shared, holding }];
      }),
    );
  },
  // Where nothing answers there is no cluster yet, so nothing is there that could be taken away.
  diff({ want }, state) {
    if (!state) return undefined;
    const { statements, lost } = removals(want, state.shared, state.holding);
    if (statements.length === 0) return undefined;
    return {
      action: 'remove',
      summary: statements.map(({ text }) => text).join('; '),
      ...(lost.length > 0 ? { loses: lost.map((name) => `database ${name}`) } : {}),
    };
  },
  notes: ({ want }, state) => (state ? removals(want, state.shared, state.holding).stays : []),
  async change({ want }, state, remote) {
    if (!state) throw new Error('PostgreSQL does not answer on its socket');
    if (state.shared.recovery) throw new Error('this member no longer leads; run again');
    for (const group of byDatabase(removals(want, state.shared, state.holding).statements))
      await remote.run(run(want.server, group[0]!.database, print(script(group))), SETTINGS_S);
  },
};

/** Groups neighbouring statements of the same database; keeps the order. */
function byDatabase(list: readonly Placed[]): Placed[][] {
  const groups: Placed[][] = [];
  for (const one of list) {
    const last = groups.at(-1);
    if (last && last[0]!.database === one.database) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

export const sqlRemovals = (role: RoleName, want: RemovalsWant): Step =>
  step(removalsKind, role, 'users and databases', want);
