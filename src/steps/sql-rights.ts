import { SETTINGS_S } from '../bounds/postgres.ts';
import { hasSocket } from '../programs/postgres.ts';
import type { RoleName } from '../roles.ts';
import { print } from '../shell/quote.ts';
import { defaultStatements, undeclaredDefaults } from './sql/default-privileges.ts';
import { grantStatements, lacking, publicStatements, thingsAt, undeclaredRights } from './sql/grants.ts';
import type { Extra, GrantWant, RightsState, RightsWant } from './sql/rights.ts';
import { rightsQuery } from './sql/rights-state.ts';
import { schemaStatements } from './sql/schemas.ts';
import { answered, ask, run, type Statement, script } from './sql/text.ts';
import { type Kind, type Remote, type Step, step } from './step.ts';

type State = RightsState | undefined;

const probe = (steps: readonly Step<RightsWant>[]): string =>
  steps
    .map(
      ({ want }) =>
        `if ${hasSocket(want.server)}; then ${ask(want.server, want.database, rightsQuery(want))} || echo; else echo; fi`,
    )
    .join('\n');

function parse(answer: string, steps: readonly Step<RightsWant>[]): Map<string, State> {
  const lines = answer.split('\n');
  return new Map(steps.map((one, index) => [one.id, answered<RightsState>(lines[index])]));
}

async function send({ server, database }: RightsWant, state: State, list: Statement[], remote: Remote): Promise<void> {
  if (!state) throw new Error(`the database ${database} does not answer`);
  if (state.recovery) throw new Error('this member no longer leads; run again');
  await remote.run(run(server, database, print(script(list))), SETTINGS_S);
}

/** Schemas, grants and default privileges of one database, read and made on the leader. Only everybody's rights are taken away. */
const rightsKind: Kind<RightsWant, State> = {
  name: 'sql-rights',
  volatile: true,
  probe,
  parse,
  diff({ want }, state) {
    if (!state) return { action: 'create', summary: `schemas and rights in ${want.database}`, knownAfterApply: true };
    const list = statements(want, state);
    if (list.length === 0) return undefined;
    return {
      action: list.some(({ text }) => text.startsWith('create')) ? 'create' : 'update',
      summary: list.map(({ text }) => text).join('; '),
    };
  },
  notes: ({ want }, state) => (state ? [...notThere(want, state), ...hints(want, state), ...more(want, state)] : []),
  change: ({ want }, state, remote) => send(want, state, state ? statements(want, state) : [], remote),
};

const statements = (want: RightsWant, state: RightsState): Statement[] => [
  ...schemaStatements(want, state),
  ...publicStatements(want, state),
  ...grantStatements(want, state),
  ...defaultStatements(want, state),
];

const extras = (want: RightsWant, state: RightsState): Extra[] => [
  ...undeclaredRights(want, state),
  ...undeclaredDefaults(want, state),
];

/** Returns a note for each single object that a right is declared on and that does not exist: applications make their tables. */
const notThere = (want: RightsWant, state: RightsState): string[] => {
  const made = want.schemas.map(({ name }) => name);
  const schemas = want.defaults.map(({ schema }) => ({ kind: 'schema' as const, schema, name: null }));
  const missing = [...want.grants, ...schemas]
    .filter((one) => one.name !== null || (one.kind === 'schema' && !made.includes(one.schema!)))
    .filter((one) => thingsAt(one, want.database, state).length === 0)
    .map(({ kind, schema, name }) => `${kind} ${name === null ? schema : `${schema}.${name}`}`);
  return [...new Set(missing)].map(
    (what) => `${what} does not exist in ${want.database} yet: its rights follow with the next apply after it does`,
  );
};

/** Returns a note for each role whose new objects will lack rights again, because no default privileges give them. */
const hints = (want: RightsWant, state: RightsState): string[] => {
  const notes = want.grants
    .filter(({ kind, name }) => name === null && kind !== 'schema' && kind !== 'database')
    .flatMap((grant) =>
      lacking(grant, want.database, state)
        .filter(({ owner }) => !hasDefaults(grant, owner, want))
        .map(
          ({ owner }) =>
            `new ${grant.kind}s of ${owner} in ${grant.schema} (${want.database}) will lack the rights of ${grant.to} too: declare them under default_privileges, for: ${owner}`,
        ),
    );
  return [...new Set(notes)];
};

const hasDefaults = ({ schema, kind, to }: GrantWant, owner: string, { defaults }: RightsWant): boolean =>
  defaults.some((one) => one.for === owner && one.schema === schema && one.kind === kind && one.to === to);

const more = (want: RightsWant, state: RightsState): string[] => {
  const found = extras(want, state);
  if (found.length === 0) return [];
  return [
    `${want.database} has rights that are not declared: ${found.map(({ text }) => text).join('; ')}; "hapg plan --prune" lists what would be taken away`,
  ];
};

export const sqlRights = (role: RoleName, want: RightsWant): Step => step(rightsKind, role, want.database, want);

/** Rights in one database that are not declared: with `--prune` they are taken away. */
const pruneKind: Kind<RightsWant, State> = {
  name: 'sql-prune',
  volatile: true,
  probe,
  parse,
  diff({ want }, state) {
    const found = state ? extras(want, state) : [];
    if (found.length === 0) return undefined;
    return { action: 'remove', summary: found.map(({ statement }) => statement.text).join('; ') };
  },
  change: ({ want }, state, remote) =>
    send(want, state, state ? extras(want, state).map(({ statement }) => statement) : [], remote),
};

export const sqlPrune = (role: RoleName, want: RightsWant): Step =>
  step(pruneKind, role, `rights in ${want.database}`, want);
