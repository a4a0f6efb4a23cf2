import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { patroniCluster, patroniRights } from '../../roles/patroni/users-and-databases.ts';
import { targetText } from '../../src/inventory/grants.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';
import { Secret } from '../../src/secret.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { identifier } from '../../src/steps/sql/text.ts';
import type { Remote, Step } from '../../src/steps/step.ts';
import { MAJOR, PrivateServer } from './private-server.ts';

const base = parse(readFileSync('inventory/lab.yaml', 'utf8')) as { postgres: object };

/** The model of the lab with these users and databases, which are JSON or YAML. */
const clusterOf = (users: string, databases: string) =>
  parseInventory(
    JSON.stringify({
      ...base,
      postgres: { ...base.postgres, version: MAJOR, users: parse(users), databases: parse(databases) },
    }),
    'lab.yaml',
  ).cluster;

const secrets = {
  password: (name: string) => new Secret(`password of ${name}`),
  userPassword: (name: string) => new Secret(`the password of ${name}`),
} as unknown as SecretStore;

interface Done {
  actions: string[];
  summaries: string[];
  notes: string[];
}

describe('statements on a real server', {
  skip: MAJOR === undefined && 'no server of PostgreSQL here, or not root',
}, () => {
  let server: PrivateServer;
  before(() => {
    server = new PrivateServer();
  });
  after(() => server.stop());

  const withServer = (one: Step): Step => ({
    ...one,
    want: { ...one.want, server: { binDir: server.binDir, port: server.port } },
  });

  /** What a probe complains of on a host is nobody's business; here it is a mistake. */
  const stateOf = (one: Step): unknown =>
    one.kind.parse(server.sh(one.kind.probe([one]).replaceAll(' 2>/dev/null', '')), [one]).get(one.id);

  /** Applies as the engine does: a stage is probed, then its steps are changed, and probed again. */
  const apply = (users: string, databases: string, prune = false): Promise<Done> =>
    applyCluster(clusterOf(users, databases), prune);

  async function applyCluster(cluster: Cluster, prune = false): Promise<Done> {
    const context = { cluster, secrets, prune } as unknown as Context;
    const done: Done = { actions: [], summaries: [], notes: [] };
    const remote = { run: async (script: string) => server.sh(script) } as unknown as Remote;
    for (const stage of [patroniCluster, patroniRights]) {
      const steps = stage(context).map(withServer);
      const planned = steps.flatMap((one) => {
        const state = stateOf(one);
        done.notes.push(...(one.kind.notes?.(one, state) ?? []));
        const difference = one.kind.diff(one, state);
        return difference ? [{ one, state, difference }] : [];
      });
      for (const { one, state, difference } of planned) {
        done.actions.push(difference.action);
        done.summaries.push(difference.summary);
        await one.kind.change(one, state, remote);
      }
      for (const { one } of planned) assert.equal(one.kind.diff(one, stateOf(one))?.summary, undefined, one.id);
    }
    return done;
  }

  /** Applies, and makes sure that a second time nothing is left to do. */
  async function settle(users: string, databases: string, prune = false): Promise<Done> {
    const first = await apply(users, databases, prune);
    assert.deepEqual((await apply(users, databases, prune)).summaries, []);
    return first;
  }

  const USERS = `
- {name: app_rw, login: false}
- {name: app_ro, login: false, createdb: true}
- {name: app_blue, roles: [app_rw], valid_until: "2099-01-31", settings: {role: app_rw, statement_timeout: 30s, search_path: 'app, "$user", public'}}
- {name: app_green, roles: [app_rw, pg_monitor], connection_limit: 7, inherit: false, bypassrls: true}
- {name: reader, roles: [app_ro], valid_until: "2099-01-31 18:00+02"}`;
  const DATABASES = `
- name: app
  owner: app_rw
  connection_limit: 50
  settings: {work_mem: 8MB, timezone: Europe/Berlin, my.tenant: "it's one"}
  public: none
  schemas: [{name: app}, {name: reports, owner: app_ro}]
  grants:
    - {on: database, privileges: [connect], to: [app_ro, app_rw]}
    - {on: schema app, privileges: [usage], to: app_ro}
    - {on: all tables in schema app, privileges: [select], to: app_ro}
    - {on: all sequences in schema app, privileges: [all], to: app_ro}
    - {on: all functions in schema app, privileges: [execute], to: app_ro}
    - {on: 'table app."Order ""Items"', privileges: [insert], to: reader}
  default_privileges:
    - {for: app_rw, schema: app, on: tables, privileges: [select], to: app_ro}
    - {for: app_rw, schema: app, on: functions, privileges: [all], to: [app_ro]}`;

  test('everything that is declared is made, and a second time nothing is left', async () => {
    const { summaries, notes } = await settle(USERS, DATABASES);
    assert.match(summaries.join('\n'), /create group app_rw; create group app_ro; create user app_blue/);
    assert.match(
      summaries.join('\n'),
      /create schema app; create schema reports; revoke connect, temporary on database app/,
    );
    assert.match(notes.join('\n'), /table app\.Order "Items does not exist in app yet/);
    assert.equal(server.sql('show statement_timeout', 'app', 'app_blue'), '30s');
    assert.equal(server.sql('show search_path', 'app', 'app_blue'), 'app, "$user", public');
    assert.equal(server.sql('show my.tenant', 'app', 'app_blue'), "it's one");
    assert.equal(server.sql('show work_mem', 'app', 'reader'), '8MB');
    assert.throws(() => server.sql('select 1', 'app', 'postgres_not_there'));
  });

  test('the group owns what a login makes, and the reader gets it by default privileges', () => {
    server.sql(
      'create table orders (id serial primary key); create table "Order ""Items" (id int); create function f(a int, b text) returns int language sql as $$select 1$$; create procedure p() language sql as $$select 1$$',
      'app',
      'app_blue',
    );
    assert.equal(server.sql("select tableowner from pg_tables where tablename = 'orders'", 'app'), 'app_rw');
    assert.equal(server.sql('select count(*) from app.orders', 'app', 'reader'), '0');
    assert.throws(() => server.sql('insert into app.orders default values', 'app', 'reader'), /permission denied/);
  });

  test('what lacks its rights is granted, object by object', async () => {
    server.sql('create table app.late (id int); create table app.other (id int)', 'app');
    const { summaries, notes } = await settle(USERS, DATABASES);
    assert.match(
      notes.join('\n'),
      /new tables of postgres in app \(app\) will lack the rights of app_ro too: declare them under default_privileges, for: postgres/,
    );
    assert.doesNotMatch(notes.join('\n'), /new tables of app_rw/, 'these get them by themselves');
    assert.deepEqual(summaries, [
      'grant select on 2 tables of app (late, ...) to app_ro; grant select, update, usage on sequence app.orders_id_seq to app_ro; grant insert on table app."Order ""Items" to reader',
    ]);
  });

  test('what was changed by hand is put right', async () => {
    server.sql(
      `alter role app_green login nocreatedb createrole connection limit 3; alter role app_ro login password 'x'; alter role reader valid until 'infinity' nologin; alter role app_blue set statement_timeout = '1min'; revoke app_rw from app_blue; alter database app connection limit 9; alter database app set work_mem = '8192kB'; grant temporary on database app to public; alter schema reports owner to postgres; alter role app_blue password 'another'`,
      'app',
    );
    const { summaries } = await settle(USERS, DATABASES);
    assert.deepEqual(
      summaries,
      [
        'app_ro no longer logs in; password of user app_blue; app_green is nocreaterole; connection limit of app_green 3 → 7; let user reader log in; password of reader valid until infinity → 2099-01-31T16:00:00Z; grant app_rw to app_blue; statement_timeout of app_blue 1min → 30s; password of account postgres; connection limit of database app 9 → 50',
        'owner of schema reports postgres → app_ro; revoke temporary on database app from public',
      ].map((one) => one.replace('password of account postgres; ', '')),
    );
  });

  test('what is not declared is a note, and --prune takes it away', async () => {
    server.sql(
      `create role outsider login; create role "Odd ""Name.1" login; grant pg_monitor to app_blue; alter role app_blue set work_mem = '1MB'; alter database app set lock_timeout = '1s';
grant select on app.orders, app."Order ""Items" to outsider; grant insert, update on app.late to public; grant usage on schema app to "Odd ""Name.1"; grant create on schema app to app_ro;
grant connect on database app to outsider; alter default privileges for role app_rw in schema app grant insert on tables to outsider;
grant select on app.orders to reader with grant option; set role reader; grant select on app.orders to outsider; reset role; grant execute on function app.f to outsider`,
      'app',
    );
    const kept = await apply(USERS, DATABASES);
    assert.deepEqual(kept.summaries, []);
    const told = kept.notes.join('\n');
    for (const part of [
      'app_blue has more than is declared: member of pg_monitor, setting work_mem',
      'database app has more than is declared: setting lock_timeout',
      'outsider has select on 2 tables of app ("Order ""Items", ...)',
      'public has insert, update on table app.late',
      'Odd "Name.1 has usage on schema app',
      'app_ro has create on schema app',
      'outsider has connect on database app',
      'outsider has execute on function app.f(a integer, b text)',
      'outsider gets insert on new tables of app_rw in app',
    ])
      assert.ok(told.includes(part), `${part}\n${told}`);
    const { actions, summaries } = await settle(USERS, DATABASES, true);
    assert.deepEqual([...new Set(actions)], ['remove']);
    assert.match(summaries.join('\n'), /revoke pg_monitor from app_blue; reset work_mem of app_blue/);
    assert.match(summaries.join('\n'), /drop role Odd "Name\.1.*drop role outsider/);
    assert.equal(
      server.sql("select string_agg(rolname, ' ' order by rolname) from pg_roles where rolname !~ '^pg_'"),
      'app_blue app_green app_ro app_rw postgres reader',
    );
  });

  test('an absent user stays while it owns something or is there, and goes then', async () => {
    const absent = `${USERS}\n- {name: old, ensure: absent}`;
    assert.deepEqual((await settle(absent, DATABASES)).summaries, [], 'it was never there');
    server.sql(
      'create role old login; grant create, usage on schema app to old; grant connect on database app to old',
      'app',
    );
    server.sql('create table app.olds (id int)', 'app', 'old');
    const owning = await apply(absent, DATABASES);
    assert.deepEqual(
      owning.actions.filter((one) => one === 'remove'),
      [],
    );
    assert.match(owning.notes.join('\n'), /role old stays: it owns 1 object in app\. Give/);
    server.sql('create database elsewhere; alter table app.olds owner to app_rw', 'app');
    server.sql('grant create on schema public to old', 'elsewhere');
    assert.match(
      (await apply(absent, DATABASES)).notes.join('\n'),
      /role old stays: it has rights in elsewhere, which/,
    );
    server.sql('drop owned by old', 'elsewhere');
    const end = await server.session('postgres', 'old');
    assert.match((await apply(absent, DATABASES)).notes.join('\n'), /role old stays: it has 1 session\. End/);
    end();
    const { summaries } = await settle(absent, DATABASES);
    assert.match(
      summaries.join('\n'),
      /revoke every right of old in postgres; revoke every right of old in app; drop role old/,
    );
    assert.equal(server.sql('select count(*) from app.olds', 'app'), '0', 'what it made is still there');
  });

  test('a database is dropped only by --prune where it is declared absent, and not under a session', async () => {
    const gone = `${DATABASES}\n- {name: elsewhere, ensure: absent}`;
    const kept = await settle(USERS, gone);
    assert.deepEqual(kept.summaries, []);
    assert.match(kept.notes.join('\n'), /database elsewhere is declared absent and stays/);
    assert.deepEqual((await settle(USERS, DATABASES, true)).summaries, [], 'one that nothing is said of stays');
    const end = await server.session('elsewhere', 'reader');
    assert.match(
      (await settle(USERS, gone, true)).notes.join('\n'),
      /database elsewhere stays: it has 1 session\. End/,
    );
    end();
    const { summaries } = await settle(USERS, gone, true);
    assert.deepEqual(summaries, ['drop database elsewhere with its data']);
    assert.equal(server.sql("select count(*) from pg_database where datname = 'elsewhere'"), '0');
  });

  test('a role that a declared one is a member of is declared enough to stay', async () => {
    server.sql('create role legacy; create role stranger');
    const { summaries } = await settle(`${USERS}\n- {name: heir, roles: [legacy]}`, DATABASES, true);
    assert.match(summaries.join('\n'), /^drop role stranger\ncreate user heir; grant legacy to heir$/);
    await settle(USERS, DATABASES, true);
  });

  test('names of objects and roles may be anything that PostgreSQL takes', async () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((one) => !/[\p{Cc}\u2028\u2029]/u.test(one) && one.isWellFormed() && !/^pg_/i.test(one));
    const nasty = ['a.b', 'a"b', "a'b", '$$', 'a\\', ':x', 'Ü.ß', ' ', '--', 'select', '{', '%', '#'];
    const names = [...new Set([...nasty, ...fc.sample(name, { numRuns: 20, seed: 1 })])];
    const roles = names.map((one) => `x${one}`);
    server.sql(
      names
        .map((one) => `create table app.${identifier(one)} (id int); create sequence app.${identifier(`${one}s`)};`)
        .join('\n') +
        roles
          .map(
            (one, index) =>
              `create role ${identifier(one)}; grant select on app.${identifier(names[index]!)} to ${identifier(one)};`,
          )
          .join('\n'),
      'app',
    );
    const grants = names.map((one) => ({
      on: targetText({ kind: 'table', schema: 'app', name: one }),
      privileges: ['truncate'],
      to: 'reader',
    }));
    const databases = parse(DATABASES) as { grants: unknown[] }[];
    databases[0]!.grants.push(...grants);
    const all = JSON.stringify(databases);
    const first = await settle(USERS, all);
    assert.ok(!first.notes.some((one) => one.includes('does not exist')), first.notes.join('\n'));
    assert.equal(
      server.sql(
        "select count(*) from information_schema.role_table_grants where grantee = 'reader' and privilege_type = 'TRUNCATE'",
        'app',
      ),
      String(names.length),
    );
    await settle(USERS, all, true);
    assert.equal(server.sql("select count(*) from pg_roles where rolname ~ '^x'"), '0');
  });

  test('members of an extension keep what came with it', async () => {
    const [extension] = server
      .sql(
        "select name from pg_available_extensions where name in ('pg_stat_statements', 'pgcrypto', 'hstore') order by 1",
      )
      .split('\n');
    if (!extension) return;
    await settle(USERS, DATABASES, true);
    server.sql(`create extension ${extension} schema app`, 'app');
    server.sql(
      `do $$ begin execute 'grant execute on function ' || (select objid::regprocedure from pg_depend where deptype = 'e' and classid = 'pg_proc'::regclass and refobjid = (select oid from pg_extension where extname = '${extension}') limit 1) || ' to app_green'; end $$`,
      'app',
    );
    assert.deepEqual((await settle(USERS, DATABASES, true)).summaries, []);
  });

  test('rights in a schema that an application has yet to make follow when it has', async () => {
    const later = DATABASES.replace(
      '  grants:',
      `  grants:
    - {on: schema later, privileges: [usage], to: app_ro}
    - {on: all tables in schema later, privileges: [select], to: app_ro}`,
    ).replace(
      '  default_privileges:',
      `  default_privileges:
    - {for: app_rw, schema: later, on: tables, privileges: [select], to: app_ro}`,
    );
    const before = await settle(USERS, later);
    assert.deepEqual(before.summaries, []);
    assert.match(before.notes.join('\n'), /schema later does not exist in app yet/);
    server.sql('create schema later authorization app_rw; create table later.t (id int)', 'app');
    assert.match(
      (await settle(USERS, later)).summaries.join(),
      /grant usage on schema later to app_ro; grant select on table later\.t/,
    );
  });

  test('inventory/two-applications.yaml: either login of a pair goes on with what the other made', async () => {
    const text = readFileSync('inventory/two-applications.yaml', 'utf8').replace(
      'version: "17"',
      `version: "${MAJOR}"`,
    );
    const { cluster } = parseInventory(text, 'two-applications.yaml');
    await applyCluster(cluster);
    assert.deepEqual((await applyCluster(cluster)).summaries, []);
    server.sql('create table orders (id serial primary key, what text)', 'orders', 'orders_blue');
    server.sql(
      "alter table orders add at timestamptz; insert into orders (what) values ('tea')",
      'orders',
      'orders_green',
    );
    assert.deepEqual((await applyCluster(cluster)).summaries, [], 'default privileges gave what the grants want');
    assert.equal(server.sql('select what from orders', 'orders', 'analyst'), 'tea');
    assert.throws(() => server.sql('delete from orders', 'orders', 'analyst'), /permission denied/);
    assert.throws(() => server.sql('select 1', 'orders', 'billing_blue'), /permission denied for database/);
    const alter = "alter role orders_blue password 'x'";
    assert.throws(() => server.sql(alter, 'orders', 'orders_blue'), /permission denied/, 'the group may not');
    server.sql(`set role none; ${alter}`, 'orders', 'orders_blue');
    assert.deepEqual((await applyCluster(cluster)).summaries, ['password of user orders_blue']);
  });
});
