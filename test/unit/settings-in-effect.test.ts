import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { patroniConfig } from '../../roles/patroni/config.ts';
import { dcsConfig, sharedParameters } from '../../roles/patroni/dynamic-config.ts';
import { memberParameters } from '../../roles/patroni/parameters.ts';
import { patroniInEffect } from '../../roles/patroni/patroni.ts';
import { settingsCheck } from '../../roles/patroni/settings-check.ts';
import { COMMAND_LINE } from '../../src/postgres/patroni-options.ts';
import { quote } from '../../src/shell/quote.ts';
import { presentSettings, presentSettingsScript } from '../../src/steps/present-settings.ts';
import { settingsInEffect } from '../../src/steps/settings-in-effect.ts';
import { contextFor, labCluster } from './model.ts';

type Shown =
  | [
      setting: string,
      type: string,
      unit: string | null,
      context: string,
      source: string,
      place: string | null,
      pending: boolean,
    ]
  | [string | null];

const CONF = '/var/lib/postgresql/17/pg/postgresql.conf:12';
const shown = (
  value: string,
  type = 'integer',
  unit: string | null = null,
  more: Partial<Record<'context' | 'source' | 'place', string>> = {},
  pending = false,
): Shown => [
  value,
  type,
  unit,
  more.context ?? 'user',
  more.source ?? 'configuration file',
  more.place ?? CONF,
  pending,
];

/** What is said of one member that is declared so, has been told so by files and DCS, and has this. */
function judged(
  settings: Record<string, string | number | boolean>,
  effective: Record<string, Shown>,
  { told = settings, dynamic = {}, pending = false, major = 17, patronis = [] as string[] } = {},
) {
  const one = settingsInEffect('patroni', {
    major,
    server: { binDir: '/usr/lib/postgresql/17/bin', port: 5432 },
    rest: '',
    settings,
    patronis,
    settleSeconds: 1,
  });
  const own = Object.entries(told).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}\x1f`);
  const answer = [
    JSON.stringify({ role: 'replica', pending_restart: pending }),
    JSON.stringify(effective),
    JSON.stringify({ postgresql: { parameters: dynamic } }),
    `  parameters:\x1f${own.join('')}`,
  ];
  const state = one.kind.parse(answer.join('\n'), [one]).get(one.id);
  return { summary: one.kind.diff(one, state)?.summary, notes: one.kind.notes!(one, state) };
}

const SAME: [what: string, declared: string | number | boolean, name: string, there: Shown][] = [
  ['a size in another unit', '1GB', 'shared_buffers', shown('131072', 'integer', '8kB')],
  ['a size with a fraction', '1.5GB', 'work_mem', shown('1572864', 'integer', 'kB')],
  ['a time in another unit', '1h', 'checkpoint_timeout', shown('3600', 'integer', 's')],
  ['a word for on', true, 'jit', shown('on', 'bool')],
  ['a word for off', 'no', 'jit', shown('off', 'bool')],
  ['the case of a value', 'LZ4', 'wal_compression', shown('lz4', 'enum')],
  ['another name of a value', 'on', 'wal_compression', shown('pglz', 'enum')],
  ['a mode', '0640', 'log_file_mode', shown('0640')],
  ['a real', '0.90', 'checkpoint_completion_target', shown('0.9', 'real')],
  [
    'a list with other spaces',
    'pg_stat_statements,pgaudit',
    'shared_preload_libraries',
    shown('pg_stat_statements, pgaudit', 'string'),
  ],
  ['a time zone that is shown in its own spelling', 'utc', 'timezone', shown('UTC', 'string')],
  ['a value that PostgreSQL computes', -1, 'wal_buffers', shown('512', 'integer', '8kB', { source: 'override' })],
  ['a setting of an extension', '1s', 'auto_explain.log_min_duration', shown('1000', 'integer', 'ms')],
  ['a setting that nobody reads', 'acme', 'app.tenant', ['acme']],
  [
    'what ALTER SYSTEM has set, which another step resets',
    '8MB',
    'work_mem',
    shown('1024', 'integer', 'kB', { place: '/d/postgresql.auto.conf:3' }),
  ],
  ['what a role has for its sessions', '8MB', 'work_mem', shown('1024', 'integer', 'kB', { source: 'user' })],
];

for (const [what, declared, name, there] of SAME)
  test(`in effect: ${what}`, () => {
    assert.equal(judged({ [name]: declared }, { [name]: there }).summary, undefined);
  });

const OTHER: [what: string, declared: string | number, name: string, there: Shown, says: string][] = [
  [
    'edited by hand',
    '8MB',
    'work_mem',
    shown('4096', 'integer', 'kB'),
    `work_mem is 4MB (from ${CONF}), and 8MB is declared`,
  ],
  [
    'dropped on the way',
    '8MB',
    'work_mem',
    [...shown('4096', 'integer', 'kB').slice(0, 4), 'default', null, false] as unknown as Shown,
    'work_mem is 4MB (default), and 8MB is declared',
  ],
  [
    'an enumeration',
    'lz4',
    'wal_compression',
    shown('pglz', 'enum'),
    `wal_compression is pglz (from ${CONF}), and lz4 is declared`,
  ],
  [
    'a text',
    '%m ',
    'log_line_prefix',
    shown('%p ', 'string'),
    `log_line_prefix is %p  (from ${CONF}), and %m  is declared`,
  ],
  [
    'unknown to the extension',
    1,
    'pg_stat_statements.maxx',
    [null],
    'pg_stat_statements.maxx is unknown to this PostgreSQL, and 1 is declared',
  ],
];

for (const [what, declared, name, there, says] of OTHER)
  test(`not in effect: ${what}`, () => {
    assert.equal(judged({ [name]: declared }, { [name]: there }).summary, `not in effect: ${says}`);
  });

test('what another step is about to write, or what waits for a restart, is no failure', () => {
  const there = { work_mem: shown('4096', 'integer', 'kB') };
  assert.equal(judged({ work_mem: '8MB' }, there, { told: { work_mem: '4MB' } }).summary, undefined);
  const shared = { shared_buffers: shown('1', 'integer', '8kB', { context: 'postmaster' }, true) };
  assert.equal(judged({ shared_buffers: '8MB' }, shared).summary, undefined);
  const command = { max_connections: shown('100', 'integer', null, { context: 'postmaster', source: 'command line' }) };
  const [told, dynamic] = [{ jit: true }, { max_connections: 200 }];
  assert.equal(judged({ max_connections: 200 }, command, { told, dynamic, pending: true }).summary, undefined);
  assert.match(judged({ max_connections: 200 }, command, { told, dynamic }).summary!, /max_connections is 100/);
});

test('what a member has in its own file of what belongs on the command line does not count: Patroni drops it', () => {
  const there = { wal_keep_size: shown('128', 'integer', 'MB') };
  const told = { wal_keep_size: '2GB' };
  assert.equal(
    judged({ wal_keep_size: '2GB' }, there, { told }).summary,
    undefined,
    'the dynamic configuration will say it',
  );
  assert.match(judged({ wal_keep_size: '2GB' }, there, { told, dynamic: told }).summary!, /wal_keep_size is 128MB/);
});

test('settings of recovery, of the connection that asks, and those that Patroni decides are not asked for', () => {
  const settings = { restore_command: 'x', tcp_keepalives_idle: 30, wal_level: 'replica', work_mem: '8MB' };
  const there = Object.fromEntries(Object.keys(settings).map((name) => [name, shown('0', 'string')]));
  assert.match(judged(settings, there, { patronis: ['wal_level'] }).summary!, /^not in effect: work_mem is 0[^;]*$/);
});

test('a member that does not answer is not judged; what belongs to sessions is told', () => {
  const one = settingsInEffect('patroni', {
    major: 17,
    server: { binDir: '/usr/lib/postgresql/17/bin', port: 5432 },
    rest: '',
    settings: { work_mem: '8MB' },
    patronis: [],
    settleSeconds: 1,
  });
  assert.equal(one.kind.diff(one, one.kind.parse('\n\n\n\n', [one]).get(one.id)), undefined);
  assert.deepEqual(
    judged({ work_mem: '8MB' }, { work_mem: shown('1', 'integer', 'kB', { source: 'database' }) }).notes,
    ['set for sessions by ALTER ROLE or ALTER DATABASE, and not compared: work_mem'],
  );
});

test('what a member has been told is read from its file and from the answer of Patroni, whatever is in a value', async () => {
  const context = await contextFor(
    labCluster(['max_connections: 100', String.raw`log_line_prefix: "%m 'a' \\ {} # "`]),
  );
  const [host, directory] = [context.cluster.hosts[0]!, mkdtempSync(join(tmpdir(), 'hapg-present-'))];
  const file = join(directory, 'config.yml');
  writeFileSync(file, patroniConfig(host, context).reveal());
  const dynamic = { ttl: 30, postgresql: { parameters: { max_connections: 200, note: "it's \\ $HOME" } } };
  const script = `HAPG_CONFIG=${quote(JSON.stringify(dynamic))}\n${presentSettingsScript(':').replace('/etc/patroni/config.yml', file)}`;
  const lines = execFileSync('/bin/sh', { input: script }).toString().split('\n');
  rmSync(directory, { recursive: true });
  assert.deepEqual(presentSettings(lines[0], lines[1]), {
    ...dynamic.postgresql.parameters,
    ...memberParameters(host, context),
  });
});

const EVERYWHERE: Record<string, string> = {
  max_connections: '150',
  max_wal_senders: '12',
  wal_keep_size: '2GB',
  max_prepared_transactions: '10',
  max_locks_per_transaction: '128',
  track_commit_timestamp: 'on',
  max_replication_slots: '12',
  max_worker_processes: '16',
  wal_level: 'logical',
};

test('whatever Patroni takes from the dynamic configuration only stands there, and in no file of a member', async () => {
  const free = Object.keys(COMMAND_LINE).filter(
    (name) => !['listen_addresses', 'port', 'cluster_name', 'hot_standby', 'wal_log_hints'].includes(name),
  );
  assert.deepEqual(free.sort(), Object.keys(EVERYWHERE).sort());
  const cluster = labCluster([
    '    max_connections: 100',
    Object.entries(EVERYWHERE)
      .map(([name, value]) => `    ${name}: ${value}`)
      .join('\n'),
  ]);
  const context = await contextFor(cluster);
  const { parameters } = dcsConfig(context).postgresql as { parameters: Record<string, unknown> };
  const own = memberParameters(cluster.hosts[0]!, context);
  for (const [name, value] of Object.entries(EVERYWHERE)) {
    assert.equal(String(parameters[name]), value, name);
    assert.ok(!(name in own), name);
  }
});

test('an odd spelling of connections is a number for Patroni and for the sizes', async () => {
  const context = await contextFor(labCluster(['max_connections: 100', 'max_connections: "0x1f4"']));
  assert.equal(sharedParameters(context.cluster).max_connections, '500');
  assert.equal(memberParameters(context.cluster.hosts[0]!, context).work_mem, '4MB');
});

test('each member is asked once, about all that is declared for it and for all', async () => {
  const context = await contextFor(labCluster());
  const [one, ...more] = patroniInEffect(context.cluster.hosts[0]!, context);
  assert.equal(more.length, 0);
  const script = one!.kind.probe([one!]);
  assert.equal(script.match(/\bpsql\b/g)!.length, 1);
  for (const name of ['work_mem', 'max_connections', 'wal_level', 'archive_mode', 'ssl'])
    assert.ok(script.includes(`'\\''${name}'\\''`), name);
});

test('what PostgreSQL is asked to read holds each value as it is, and nothing that the check of a file would replace', () => {
  const script = settingsCheck({ binDir: '/usr/lib/postgresql/17/bin' }, { 'app.x': "it's {} \\ $HOME", jit: true });
  assert.ok(!script.includes('{}'));
  assert.match(script, /app\.x = '\\''it'\\'''\\''s \{''\} \\\\ \$HOME'\\''/);
  assert.match(script, /jit = '\\''true'\\''/);
});
