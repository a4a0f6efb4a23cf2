import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultStatements, undeclaredDefaults } from '../../src/steps/sql/default-privileges.ts';
import { grantStatements, publicStatements, undeclaredRights } from '../../src/steps/sql/grants.ts';
import { type RemovalsState, type RemovalsWant, removals } from '../../src/steps/sql/removals.ts';
import type { Group, Right, RightsState, RightsWant } from '../../src/steps/sql/rights.ts';
import { schemaStatements } from '../../src/steps/sql/schemas.ts';
import type { Statement } from '../../src/steps/sql/text.ts';

/* What the statements are, also where no server is to try them: test/unit/sql-server.test.ts. */

const want = (some: Partial<RightsWant>): RightsWant => ({
  server: { binDir: '/usr/lib/postgresql/17/bin', port: 5432 },
  database: 'd',
  schemas: [],
  public: undefined,
  grants: [],
  defaults: [],
  protected: ['postgres', 'pgbouncer'],
  ...some,
});
const state = (some: Partial<RightsState>): RightsState => ({
  recovery: false,
  database: { owner: 'o', rights: [['o', 'connect', 'o']] },
  schemas: [],
  objects: [],
  defaults: [],
  ...some,
});
const tables = (owner: string, rights: Right[], ...names: string[]): Group => ({
  kind: 'table',
  schema: 's',
  owner,
  rights,
  names,
});
const all = { kind: 'table', schema: 's', name: null } as const;
const sqlOf = (list: readonly Statement[]): string[] => list.map(({ statement }) => statement());

test('a right is granted on each object that lacks it, and only what is lacking', () => {
  const objects = [
    tables('o', [['r', 'select', 'o']], 'a', 'b'),
    tables('p', [], '"c d"', 'e'),
    tables(
      'q',
      [
        ['r', 'select', 'x'],
        ['r', 'insert', 'q'],
      ],
      'f',
    ),
  ];
  const grants = [{ ...all, privileges: ['select', 'insert'], to: 'r' }];
  assert.deepEqual(sqlOf(grantStatements(want({ grants }), state({ objects }))), [
    'grant insert on table "s".a, "s".b to "r"',
    'grant select, insert on table "s"."c d", "s".e to "r"',
  ]);
});

test('a schema that is made has the rights of its owner at once, and others get theirs', () => {
  const declared = want({
    schemas: [{ name: 's', owner: 'o' }],
    grants: ['o', 'r'].map((to) => ({ kind: 'schema', schema: 's', name: null, privileges: ['usage'], to })),
  });
  assert.deepEqual(sqlOf(schemaStatements(declared, state({}))), ['create schema "s" authorization "o"']);
  assert.deepEqual(sqlOf(grantStatements(declared, state({}))), ['grant usage on schema "s" to "r"']);
});

for (const [everybody, says] of [
  [undefined, []],
  ['none', ['revoke connect, temporary on database "d" from public', 'revoke usage on schema "public" from public']],
  ['connect', ['revoke temporary on database "d" from public']],
] as const)
  test(`public: ${everybody ?? 'nothing'} on a new database`, () => {
    const rights: Right[] = [
      ['public', 'connect', 'o'],
      ['public', 'temporary', 'o'],
    ];
    const schemas = [{ name: 'public', owner: 'o', rights: [['public', 'usage', 'o']] as Right[] }];
    const there = state({ database: { owner: 'o', rights }, schemas });
    assert.deepEqual(sqlOf(publicStatements(want({ public: everybody }), there)), says);
    assert.deepEqual(undeclaredRights(want({ public: everybody }), there), [], 'nothing is left for --prune');
  });

test('what was passed on is taken away before what it came from, in the name of who passed it on', () => {
  const rights: Right[] = [
    ['o', 'select', 'o'],
    ['a', 'select', 'o'],
    ['b', 'select', 'a'],
    ['c', 'select', 'b'],
    ['postgres', 'select', 'o'],
    ['pg_monitor', 'select', 'o'],
  ];
  const grants = [{ ...all, privileges: ['insert'], to: 'r' }];
  const found = undeclaredRights(want({ grants }), state({ objects: [tables('o', rights, 't', 'u')] }));
  assert.deepEqual(sqlOf(found.map(({ statement }) => statement)), [
    'set role "b"; revoke select on table "s".t, "s".u from "c"; reset role',
    'set role "a"; revoke select on table "s".t, "s".u from "b"; reset role',
    'revoke select on table "s".t, "s".u from "a"',
  ]);
});

test('a right on one table is declared for that table alone, and a whole kind covers it', () => {
  const objects = [tables('o', [['r', 'select', 'o']], 't', 'u')];
  const one = { ...all, name: 't', privileges: ['select'], to: 'r' };
  assert.deepEqual(undeclaredRights(want({ grants: [one] }), state({ objects })), [], 'nothing is said of u');
  const more = { ...all, privileges: ['insert'], to: 'r' };
  assert.deepEqual(
    undeclaredRights(want({ grants: [one, more] }), state({ objects })).map(({ text }) => text),
    ['r has select on table s.u'],
  );
});

test('default privileges are granted where the schema is, and those of others are known', () => {
  const one = { for: 'o', schema: 's', kind: 'table', privileges: ['select'], to: 'r' } as const;
  const schemas = [{ name: 's', owner: 'o', rights: [] }];
  assert.deepEqual(sqlOf(defaultStatements(want({ defaults: [one] }), state({}))), [], 'there is no such schema');
  assert.deepEqual(sqlOf(defaultStatements(want({ defaults: [one] }), state({ schemas }))), [
    'alter default privileges for role "o" in schema "s" grant select on tables to "r"',
  ]);
  const defaults: RightsState['defaults'] = [
    {
      for: 'o',
      schema: 's',
      kind: 'table',
      rights: [
        ['r', 'select', 'o'],
        ['x', 'insert', 'o'],
      ],
    },
  ];
  const there = state({ schemas, defaults });
  assert.deepEqual(sqlOf(defaultStatements(want({ defaults: [one] }), there)), []);
  assert.deepEqual(sqlOf(undeclaredDefaults(want({ defaults: [one] }), there).map(({ statement }) => statement)), [
    'alter default privileges for role "o" in schema "s" revoke insert on tables from "x"',
  ]);
});

const gone = (some: Partial<RemovalsState>, prune = false) => {
  const declared: RemovalsWant = {
    ...{ server: want({}).server, users: [], accounts: [], pooled: false, monitored: false, protected: [] },
    databases: [{ name: 'd', owner: 'postgres', connectionLimit: -1, settings: {} }],
    absent: { users: ['u'], databases: ['old'] },
    prune,
  };
  const shared = { recovery: false, users: [], databases: [], lookUp: null };
  const { statements, stays, lost } = removals(declared, shared, { candidates: [], databases: [], ...some });
  return { sql: statements.map(({ database, statement }) => `${database}: ${statement()}`), stays, lost };
};
const role = { name: 'u', superuser: false, sessions: 0, holds: [] };

for (const [what, holds, more, says] of [
  [
    'owns a database',
    [{ database: null, owned: 1, granted: 0, names: ['database d'] }],
    {},
    /^role u stays: it owns database d\. Give/,
  ],
  ['owns objects', [{ database: 'd', owned: 2, granted: 1, names: [] }], {}, /^role u stays: it owns 2 objects in d\./],
  ['is connected', [], { sessions: 1 }, /^role u stays: it has 1 session\. End/],
  ['is a superuser', [], { superuser: true }, /^role u stays: it is a superuser/],
  [
    'has rights in a database of others',
    [{ database: 'x', owned: 0, granted: 1, names: [] }],
    {},
    /^role u stays: it has rights in x, which/,
  ],
] as const)
  test(`an absent user stays that ${what}`, () => {
    const held = holds.map((one) => ({ ...one, names: [...one.names] }));
    const { sql, stays } = gone({ candidates: [{ ...role, ...more, holds: held }] });
    assert.deepEqual(sql, []);
    assert.match(stays.join(), says);
  });

test('an absent user that only has rights loses them where they are, and goes; objects that it has got since stay', () => {
  const holds = [
    { database: null, owned: 0, granted: 1, names: [] },
    { database: 'd', owned: 0, granted: 1, names: [] },
  ];
  const clear = 'begin; reassign owned by "u" to current_user; drop owned by "u"; commit';
  assert.deepEqual(gone({ candidates: [{ ...role, holds }] }).sql, [
    `postgres: ${clear}`,
    `d: ${clear}`,
    'postgres: drop role "u"',
  ]);
});

test('an absent database goes with --prune alone, and not under a session', () => {
  const databases = [{ name: 'old', sessions: 0 }];
  assert.deepEqual(gone({ databases }).lost, []);
  assert.deepEqual(gone({ databases }, true), { sql: ['postgres: drop database "old"'], stays: [], lost: ['old'] });
  const busy = gone({ databases: [{ name: 'old', sessions: 2 }] }, true);
  assert.deepEqual(busy.sql, []);
  assert.match(busy.stays.join(), /old stays: it has 2 sessions/);
});
