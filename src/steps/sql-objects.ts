import { SETTINGS_S } from '../bounds/postgres.ts';
import { MONITOR } from '../inventory/exporters.ts';
import { hasSocket } from '../programs/postgres.ts';
import type { RoleName } from '../roles.ts';
import { print } from '../shell/quote.ts';
import { scramMatches, scramVerifier } from './scram.ts';
import { databaseStatements } from './sql/databases.ts';
import { roleStatements, undeclaredMemberships } from './sql/roles.ts';
import { undeclaredSettings } from './sql/settings.ts';
import { QUERY, type RoleState, type SqlState } from './sql/state.ts';
import { answered, ask, identifier, literal, run, type Statement, script } from './sql/text.ts';
import { POOLER, type SqlWant } from './sql/want.ts';
import { type Kind, type Step, step } from './step.ts';

/** Body of the pool's function: no superuser and no replication account may log in through a pool (PgBouncer, "auth_query"). */
const LOOK_UP =
  'select rolname::text, case when rolvaliduntil < now() then null else rolpassword end from pg_catalog.pg_authid where rolname = $1 and rolcanlogin and not rolsuper and not rolreplication';

/** Roles and databases of the cluster, read and made on the leader. Nothing is taken away here. */
const sqlObjectsKind: Kind<SqlWant, SqlState | undefined> = {
  name: 'sql-objects',
  volatile: true,
  probe: (steps) =>
    steps
      .map(({ want }) => `if ${hasSocket(want.server)}; then ${ask(want.server, 'postgres', QUERY)}; fi; echo`)
      .join('\n'),
  parse(answer, steps) {
    const text = answer.split('\n').find((line) => line.startsWith('{'));
    return new Map(steps.map((one) => [one.id, answered<SqlState>(text)]));
  },
  diff({ want }, state) {
    if (!state)
      return {
        action: 'create',
        summary: [
          ...want.users.map((user) => `${user.password ? 'user' : 'group'} ${user.name}`),
          ...want.databases.map((one) => `database ${one.name}`),
        ].join(', '),
        knownAfterApply: true,
      };
    const lines = statements(want, state);
    if (lines.length === 0) return undefined;
    return {
      action: lines.some(({ text }) => text.startsWith('create')) ? 'create' : 'update',
      summary: lines.map(({ text }) => text).join('; '),
    };
  },
  notes: ({ want }, state) => (state ? beyond(want, state) : []),
  async change({ want }, state, remote) {
    if (!state) throw new Error('PostgreSQL does not answer on its socket');
    if (state.recovery) throw new Error('this member no longer leads; run again');
    await remote.run(run(want.server, 'postgres', print(script(statements(want, state)))), SETTINGS_S);
  },
};

/** Returns the statements for the leader, each with a text for the operator. */
const statements = (want: SqlWant, state: SqlState): Statement[] => [
  ...roleStatements(want.users, state.users),
  ...accountStatements(want, state),
  ...(want.pooled ? poolStatements(state) : []),
  ...monitorStatements(want, state),
  ...databaseStatements(want.databases, state.databases),
];

const accountStatements = ({ accounts }: SqlWant, { users }: SqlState): Statement[] =>
  accounts.flatMap(({ name, password }) => {
    const there = users.find((one) => one.name === name);
    if (!there || (there.verifier && scramMatches(there.verifier, password.reveal()))) return [];
    return [
      {
        text: `password of account ${name}`,
        statement: () => `alter role ${identifier(name)} password ${literal(scramVerifier(password.reveal()))}`,
      },
    ];
  });

function poolStatements({ users, lookUp }: SqlState): Statement[] {
  const pooler = identifier(POOLER);
  return [
    ...(users.some((one) => one.name === POOLER)
      ? []
      : [{ text: `create user ${POOLER}`, statement: () => `create role ${pooler} login` }]),
    ...(lookUp === LOOK_UP
      ? []
      : [
          {
            text: `function ${POOLER}.get_auth`,
            statement: () =>
              `create schema if not exists ${pooler}; create or replace function ${pooler}.get_auth(name text) returns table(username text, password text) language sql stable security definer set search_path = '' as ${literal(LOOK_UP)}; revoke all on function ${pooler}.get_auth(text) from public; grant usage on schema ${pooler} to ${pooler}; grant execute on function ${pooler}.get_auth(text) to ${pooler}`,
          },
        ]),
  ];
}

/** Whether a role is as hapg makes it for the exporter; one that somebody else has made under that name is theirs. */
const isMonitor = ({ login, superuser, verifier, roles, settings }: RoleState): boolean =>
  login &&
  !superuser &&
  verifier === null &&
  settings.length === 0 &&
  roles.length > 0 &&
  roles.every(({ role }) => role === 'pg_monitor');

/** The exporter's role has no password and no row to read. A cluster that nobody watches any more has no such role. */
function monitorStatements({ monitored }: SqlWant, { users }: SqlState): Statement[] {
  const name = identifier(MONITOR);
  const there = users.find((one) => one.name === MONITOR);
  if (!monitored)
    return there && isMonitor(there) ? [{ text: `drop user ${MONITOR}`, statement: () => `drop role ${name}` }] : [];
  return [
    ...(there ? [] : [{ text: `create user ${MONITOR}`, statement: () => `create role ${name} login` }]),
    ...(there?.roles.some(({ role }) => role === 'pg_monitor')
      ? []
      : [{ text: `grant pg_monitor to ${MONITOR}`, statement: () => `grant pg_monitor to ${name}` }]),
  ];
}

/** Returns what declared roles and databases have beyond what is declared; `apply --prune` takes it away. */
const beyond = (want: SqlWant, state: SqlState): string[] => [
  ...want.users.flatMap((user) => {
    const there = state.users.find((one) => one.name === user.name);
    if (!there) return [];
    const more = [
      ...undeclaredMemberships(user, there).map(({ role }) => `member of ${role}`),
      ...undeclaredSettings(user.settings, there.settings).map((name) => `setting ${name}`),
    ];
    return [
      ...(more.length > 0 ? [`${user.name} has more than is declared: ${more.join(', ')}${CURE}`] : []),
      ...(there.superuser ? [`${user.name} is a superuser, which hapg neither makes nor takes away`] : []),
      ...(there.ended && user.validUntil === there.until
        ? [`the password of ${user.name} ended at ${there.until}: nobody logs in with it`]
        : []),
    ];
  }),
  ...want.databases.flatMap((database) => {
    const there = state.databases.find((one) => one.name === database.name);
    const more = there ? undeclaredSettings(database.settings, there.settings) : [];
    return more.length > 0
      ? [`database ${database.name} has more than is declared: setting ${more.join(', setting ')}${CURE}`]
      : [];
  }),
];

const CURE = '; "hapg plan --prune" lists what would be taken away';

export const sqlObjects = (role: RoleName, want: SqlWant): Step =>
  step(sqlObjectsKind, role, 'users and databases', want);
