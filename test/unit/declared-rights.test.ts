import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rightsWants } from '../../roles/patroni/users-and-databases.ts';
import { clientUri } from '../../src/cluster/connect.ts';
import { UsageError } from '../../src/errors.ts';
import { line, userPassword } from '../../src/inventory/given-secret.ts';
import { parseTarget, privilegesOf, type Target, targetText } from '../../src/inventory/grants.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { sameSetting, settingTexts } from '../../src/inventory/session-settings.ts';
import { validUntil } from '../../src/inventory/users-schema.ts';
import { Secret } from '../../src/secret.ts';
import { externalSecrets } from '../../src/secrets/external-secrets.ts';
import { pgpass } from '../../src/secrets/pgpass.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { scramVerifier } from '../../src/steps/scram.ts';
import { roleStatements } from '../../src/steps/sql/roles.ts';
import { applied, refused, root } from './store.ts';

const LAB = readFileSync('inventory/lab.yaml', 'utf8');
const FROM = `  databases:
    - {name: app, owner: app}
  users:
    - {name: app}`;
const inventory = (users: string, databases: string, version = '17') =>
  LAB.replace(FROM, () => `  users: ${users}\n  databases: ${databases}`).replace(
    'version: "17"',
    `version: "${version}"`,
  );

const USERS = '[{name: rw, login: false}, {name: ro, login: false}, {name: app, roles: [rw]}]';
const grant = (text: string) => `[{name: app, owner: rw, schemas: [{name: app}], grants: [{${text}}]}]`;
const defaults = (text: string) => `[{name: app, owner: rw, default_privileges: [{${text}}]}]`;

/** What is refused: the users, the databases, and what is said; ‸ is where. */
const BAD: [what: string, users: string, databases: string, says: RegExp][] = [
  [
    'a role that has a similar name',
    '[{name: team, login: false}, {name: app, roles: [‸taem]}]',
    '[]',
    /taem is not among postgres\.users \(did you mean "team"\?\)/,
  ],
  [
    'a role of PostgreSQL that it does not have',
    '[{name: app, roles: [‸pg_monitors]}]',
    '[]',
    /has no role pg_monitors \(did you mean "pg_monitor"\?\)/,
  ],
  ['a membership in itself', '[{name: app, roles: [‸app]}]', '[]', /cannot be a member of itself/],
  [
    'memberships in a circle',
    '[{name: a, roles: [b]}, {name: b, roles: [c]}, {name: c, roles: [‸a]}]',
    '[]',
    /must not go in a circle/,
  ],
  ['a membership twice', '[{name: b}, {name: a, roles: [b, ‸b]}]', '[]', /b is named twice/],
  [
    'a membership in what is to be gone',
    '[{name: b, ensure: absent}, {name: a, roles: [‸b]}]',
    '[]',
    /b is to be absent/,
  ],
  [
    'a group with a password',
    '[{name: g, login: false, ‸password: own}]',
    '[]',
    /has login: false, so it has no password/,
  ],
  [
    'a group whose password ends',
    '[{name: g, login: false, ‸valid_until: "2030-01-01"}]',
    '[]',
    /no password that could end/,
  ],
  ['a superuser', '[{name: g, ‸superuser: true}]', '[]', /unknown key "superuser"/],
  ['a moment without a zone', '[{name: a, valid_until: ‸"2030-01-01 10:00"}]', '[]', /a moment with its zone/],
  ['a day that no month has', '[{name: a, valid_until: ‸"2030-13-01"}]', '[]', /a moment with its zone/],
  ['a word that is a role of SQL', '[{name: ‸public}]', '[]', /public is reserved/],
  [
    'a setting with a slip',
    '[{name: a, settings: {‸statement_timeuot: 3s}}]',
    '[]',
    /has no setting statement_timeuot \(did you mean "statement_timeout"\?\)/,
  ],
  [
    'a setting of the server',
    '[{name: a, settings: {‸shared_buffers: 1GB}}]',
    '[]',
    /shared_buffers is a setting of the whole server.*postgres\.parameters\.shared_buffers/,
  ],
  ['a value with a wrong unit', '[{name: a, settings: {work_mem: ‸8mb}}]', '[]', /work_mem cannot be "8mb"/],
  [
    'a setting of another session',
    '[{name: a, settings: {‸session_authorization: b}}]',
    '[]',
    /belongs to one session/,
  ],
  [
    'a session in the name of a role that it is not',
    '[{name: b}, {name: a, settings: {role: ‸b}}]',
    '[]',
    /a is no member of b/,
  ],
  ['an owner that is to be gone', '[{name: a, ensure: absent}]', '[{name: d, owner: ‸a}]', /owner a is to be absent/],
  ['a schema twice', USERS, '[{name: d, schemas: [{name: s}, {name: ‸s}]}]', /schema s is named twice/],
  ['a schema of PostgreSQL', USERS, '[{name: d, schemas: [{name: ‸pg_mine}]}]', /belongs to PostgreSQL/],
  [
    'a schema of nobody',
    USERS,
    '[{name: d, schemas: [{name: s, owner: ‸rww}]}]',
    /rww is not among postgres\.users \(did you mean "rw"\?\)/,
  ],
  ['a setting of a database that is none', USERS, '[{name: d, settings: {‸port: 5}}]', /a setting of the whole server/],
  [
    'rights of everybody in another word',
    USERS,
    '[{name: d, public: ‸conect}]',
    /not one of none, connect \(did you mean "connect"\?\)/,
  ],
  [
    'a grant on nothing known',
    USERS,
    grant('on: ‸all table in schema app, privileges: [select], to: ro'),
    /none of: database, schema NAME.*did you mean "all tables in schema"/,
  ],
  [
    'a table without its schema',
    USERS,
    grant('on: ‸table orders, privileges: [select], to: ro'),
    /has no schema: table SCHEMA\.orders/,
  ],
  [
    'another database',
    USERS,
    grant('on: ‸database other, privileges: [connect], to: ro'),
    /its own database: on: database/,
  ],
  [
    'a privilege of another kind',
    USERS,
    grant('on: schema app, privileges: [‸select], to: ro'),
    /a schema has no privilege select: create, usage, or all/,
  ],
  [
    'a privilege with a slip',
    USERS,
    grant('on: table app.a, privileges: [‸selct], to: ro'),
    /no privilege selct.*did you mean "select"/,
  ],
  ['no privilege', USERS, grant('on: table app.a, privileges: ‸[], to: ro'), /at least one privilege/],
  ['no role', USERS, grant('on: table app.a, privileges: [select], to: ‸[]'), /at least one role|list of roles/],
  [
    'a privilege twice',
    USERS,
    grant('on: table app.a, privileges: [select, ‸select], to: ro'),
    /select is named twice/,
  ],
  [
    'all beside another privilege',
    USERS,
    grant('on: table app.a, privileges: [select, ‸all], to: ro'),
    /all stands alone/,
  ],
  [
    'a role that is none',
    USERS,
    grant('on: table app.a, privileges: [select], to: [ro, ‸roo]'),
    /roo is not among postgres\.users/,
  ],
  [
    'the same right twice',
    USERS,
    '[{name: app, grants: [{on: schema app, privileges: [usage], to: ro}, ‸{on: "schema  app", privileges: [all], to: [rw, ro]}]}]',
    /usage on schema app to ro is declared twice/,
  ],
  [
    'what public says already',
    USERS,
    '[{name: app, public: connect, grants: [{on: database, privileges: [temp], to: ‸public}]}]',
    /public: connect says already/,
  ],
  [
    'default privileges of nobody',
    USERS,
    defaults('for: ‸nobody, schema: app, on: tables, privileges: [select], to: ro'),
    /nobody is not among/,
  ],
  [
    'default privileges on what has none',
    USERS,
    defaults('for: rw, schema: app, on: ‸table, privileges: [select], to: ro'),
    /not one of tables, sequences, functions \(did you mean "tables"\?\)/,
  ],
  [
    'default privileges twice',
    USERS,
    '[{name: app, default_privileges: [{for: rw, schema: app, on: tables, privileges: [select], to: ro}, ‸{for: rw, schema: app, on: tables, privileges: [select], to: ro}]}]',
    /select on new tables of rw in app to ro is declared twice/,
  ],
];

for (const [what, users, databases, says] of BAD)
  test(`an inventory is refused with ${what}`, () => {
    const marked = inventory(users, databases);
    const before = marked.slice(0, marked.indexOf('‸')).split('\n');
    assert.throws(
      () => parseInventory(marked.replace('‸', ''), 'bad.yaml'),
      (error: unknown) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, says);
        assert.match(
          error.message,
          new RegExp(`^bad\\.yaml:${before.length}:${before.at(-1)!.length + 1}: error: `, 'm'),
        );
        assert.equal(error.message.match(/: error: /g)?.length, 1, error.message);
        return true;
      },
    );
  });

test('maintain is a privilege from PostgreSQL 17 on, and all follows the version', () => {
  assert.ok(privilegesOf('table', 17).includes('maintain') && !privilegesOf('table', 16).includes('maintain'));
  const text = (version: string) =>
    inventory(USERS, grant('on: all tables in schema app, privileges: [all], to: ro'), version);
  const [want] = rightsWants(parseInventory(text('16'), 'x.yaml').cluster);
  assert.deepEqual(want!.grants[0]!.privileges, privilegesOf('table', 16));
  const maintain = inventory(USERS, grant('on: table app.a, privileges: [maintain], to: ro'), '16');
  assert.throws(() => parseInventory(maintain, 'x.yaml'), /a table has no privilege maintain/);
});

test('a role that nobody declared, and createrole before PostgreSQL 16, are warnings', () => {
  const { warnings } = parseInventory(
    inventory('[{name: a, roles: [legacy], createrole: true}]', '[]', '15'),
    'x.yaml',
  );
  const said = warnings.map(String).join('\n');
  assert.match(said, /legacy is not among postgres\.users and must exist already/);
  assert.match(said, /may change every other role/);
});

test('nothing runs in a database of which nothing is declared but its owner', () => {
  const text = inventory(
    USERS,
    '[{name: plain, owner: rw, settings: {work_mem: 8MB}}, {name: app, public: none}, {name: gone, ensure: absent, public: none}]',
  );
  assert.deepEqual(
    rightsWants(parseInventory(text, 'x.yaml').cluster).map(({ database }) => database),
    ['app'],
  );
});

test('the text of a target says the same target, whatever the names are', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => !/[\r\n\0\u2028\u2029]/.test(one));
  const target: fc.Arbitrary<Target> = fc.oneof(
    fc.constant({ kind: 'database' } as const),
    fc.record({ kind: fc.constant('schema' as const), schema: name }),
    fc.record({ kind: fc.constantFrom('table' as const, 'sequence' as const), schema: name, name }),
    fc.record({
      kind: fc.constantFrom('table' as const, 'sequence' as const, 'function' as const),
      schema: name,
      name: fc.constant(undefined),
    }),
  );
  fc.assert(fc.property(target, (one) => assert.deepEqual(parseTarget(targetText(one)), { ...one })));
});

/** A membership of PostgreSQL 16 and later, whose server may not be here. */
for (const [what, inherit, rows, says] of [
  ['none', true, [], ['grant "g" to "u"']],
  ['one that inherits', true, [['postgres', true]], []],
  ['one of PostgreSQL 15', false, [['postgres', null]], []],
  [
    'one that does not, and should',
    true,
    [['postgres', false]],
    ['grant "g" to "u" with inherit true granted by "postgres"'],
  ],
  [
    'two of which one inherits, and should',
    true,
    [
      ['a', false],
      ['b', true],
    ],
    [],
  ],
  [
    'two that should not inherit',
    false,
    [
      ['a', true],
      ['b', false],
      ['c', true],
    ],
    ['grant "g" to "u" with inherit false granted by "a"', 'grant "g" to "u" with inherit false granted by "c"'],
  ],
] as const)
  test(`a membership of which there is ${what}`, () => {
    const attributes = { createdb: false, createrole: false, replication: false, bypassrls: false, inherit };
    const password = new Secret('a password');
    const want = { name: 'u', password, roles: ['g'], connectionLimit: -1, attributes, validUntil: null, settings: {} };
    const there = {
      name: 'u',
      login: true,
      superuser: false,
      limit: -1,
      attributes,
      until: null,
      ended: false,
      settings: [],
    };
    const roles = rows.map(([by, inherits]) => ({ role: 'g', by, inherit: inherits }));
    const state = [{ ...there, verifier: scramVerifier('a password'), roles }];
    assert.deepEqual(
      roleStatements([want], state).map(({ statement }) => statement()),
      says,
    );
  });

for (const [text, names] of [
  ['app, public', ['app', 'public']],
  ['"$user", public', ['$user', 'public']],
  ['"a ""b"", c",D', ['a "b", c', 'd']],
  ['', []],
] as const)
  test(`a search_path of ${text || 'nothing'} is a list of names`, () =>
    assert.deepEqual(settingTexts('search_path', text), names));

for (const [name, one, other, same] of [
  ['work_mem', '8MB', '8192kB', true],
  ['work_mem', '8MB', '8', false],
  ['statement_timeout', '30s', '30000', true],
  ['jit', 'on', 'true', true],
  ['jit', 'on', 'off', false],
  ['timezone', 'UTC', 'Europe/Berlin', false],
  ['search_path', 'app,public', 'app, "public"', true],
  ['search_path', 'app, public', 'public, app', false],
  ['my.own', '1', '1', true],
  ['my.own', '1', '01', false],
] as const)
  test(`${name}: ${one} and ${other} are ${same ? 'the same' : 'different'}`, () => {
    assert.equal(sameSetting(name, one, other), same);
    assert.equal(sameSetting(name, other, one), same);
  });

for (const [text, moment] of [
  ['infinity', null],
  ['2030-01-31', '2030-01-31T00:00:00Z'],
  ['2030-01-31T18:00:00Z', '2030-01-31T18:00:00Z'],
  ['2030-01-31 18:00+02', '2030-01-31T16:00:00Z'],
  ['2030-01-31 18:00:30-0530', '2030-01-31T23:30:30Z'],
  ['2030-01-31 18:00:30-05:30', '2030-01-31T23:30:30Z'],
  ['2030-01-31 18:00', undefined],
  ['2030-02-31T00:00:00', undefined],
  ['tomorrow', undefined],
] as const)
  test(`a password that is valid until ${text} ends ${moment ?? (moment === null ? 'never' : 'at no moment')}`, () =>
    assert.equal(validUntil(text), moment));

describe('passwords that an operator brings', () => {
  const clusterOf = (directory: string) =>
    parseInventory(
      inventory(
        '[{name: team, login: false}, {name: app, password: own, roles: [team]}, {name: job}, {name: left, ensure: absent}]',
        '[{name: app, owner: team}]',
      ),
      join(root, directory, 'lab.yaml'),
    ).cluster;

  test('are missing until they are brought; groups and absent users have none', async () => {
    const cluster = clusterOf('own');
    assert.deepEqual(externalSecrets(cluster), ['user-app']);
    const store = await SecretStore.create(cluster);
    await assert.rejects(store.complete(), refused(/no user-app; bring it with "hapg secrets set user-app"/));
    assert.throws(() => store.userPassword('app'), refused(/bring it with "hapg secrets set user-app"/));
    await store.setExternalSecret('user-app', new Secret('it:has\\both'));
    await applied(cluster);
    const read = (await SecretStore.read(cluster))!;
    assert.equal(read.userPassword('app').reveal(), 'it:has\\both');
    assert.deepEqual(pgpass(cluster, read).reveal().split('\n'), [
      '*:*:*:app:it\\:has\\\\both',
      `*:*:*:job:${read.userPassword('job').reveal()}`,
      '',
    ]);
    assert.throws(() => read.userPassword('left'), refused(/no password of user left/));
    assert.ok(
      read.all().some((one) => one.reveal() === 'it:has\\both'),
      'it is redacted like the others',
    );
  });

  test('are ASCII: what a client makes of other characters differs', () => {
    assert.match(userPassword('user-app').weakness(new Secret('größere Passwörter')) ?? '', /only ASCII/);
    assert.equal(line('s3-secret-x').weakness(new Secret('größere Passwörter')), undefined);
    assert.match(userPassword('user-app').weakness(new Secret('short')) ?? '', /fewer than 8/);
  });

  test("a client of a group's database logs in as a member of the group", () => {
    assert.match(clientUri(clusterOf('uri'), 'primary') ?? '', /^postgresql:\/\/app@.*\/app\?/);
  });
});
