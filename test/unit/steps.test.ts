import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import { Secret } from '../../src/secret.ts';
import { configPatch } from '../../src/steps/dcs-config.ts';
import { directory } from '../../src/steps/directory.ts';
import { file, noFile } from '../../src/steps/file.ts';
import { memberRestart } from '../../src/steps/member-restart.ts';
import { option } from '../../src/steps/option.ts';
import { packages } from '../../src/steps/package.ts';
import { scramMatches, scramVerifier } from '../../src/steps/scram.ts';
import type { SqlState } from '../../src/steps/sql/state.ts';
import { identifier, literal } from '../../src/steps/sql/text.ts';
import { sqlObjects } from '../../src/steps/sql-objects.ts';
import type { Remote, Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';
import { timing } from '../../src/timing.ts';
import { labCluster } from './model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-steps-'));
after(() => rmSync(root, { recursive: true, force: true }));

const me = userInfo().username;
const mine = { owner: me, group: execFileSync('id', ['-gn']).toString().trim() };
const sh = (script: string) => execFileSync('/bin/sh', ['-c', script]).toString();
const remote: Remote = {
  host: labCluster().hosts[0]!,
  run: async (script) => sh(script),
  unit: async (_name, script) => sh(script),
  handingOver: (_to, work) => work(),
  doing: () => undefined,
};

/** Probes steps of one kind with a real shell, and says what differs. */
function differences(...steps: Step[]) {
  const kind = steps[0]!.kind;
  const states = kind.parse(sh(`${kind.probe(steps)}\ntrue`), steps);
  return steps.map((one) => ({ step: one, state: states.get(one.id), difference: kind.diff(one, states.get(one.id)) }));
}

/** Does what differs, and expects that nothing differs afterwards. */
async function converge(...steps: Step[]) {
  for (const { step, state, difference } of differences(...steps))
    if (difference) await step.kind.change(step, state, remote);
  for (const { difference } of differences(...steps)) assert.equal(difference, undefined);
}

const path = (name: string) => join(root, name);

test('a file is made, and one that differs in content, mode or kind is told apart and mended', async () => {
  const content = "it's $HOME `id` \\n %s\nline two";
  const wanted = (name: string) => file('patroni', path(name), content, { ...mine, mode: '0640' });
  writeFileSync(path('content'), 'old text\n', { mode: 0o640 });
  chmodSync(path('content'), 0o640);
  writeFileSync(path('mode'), content);
  chmodSync(path('mode'), 0o666);
  mkdirSync(path('directory'));
  symlinkSync('/etc/passwd', path('link'));
  const steps = ['absent', 'content', 'mode', 'directory', 'link'].map(wanted);
  const summaries = differences(...steps).map(({ difference }) => `${difference?.action}: ${difference?.summary}`);
  assert.deepEqual(summaries, [
    `create: 0640 ${mine.owner}:${mine.group}`,
    'update: content',
    'update: mode 0666 → 0640',
    'update: a directory stands where a file belongs; it is moved aside',
    'update: a link stands where a file belongs; it is moved aside',
  ]);
  assert.equal(
    differences(steps[1]!)[0]?.difference?.before,
    'old text\n',
    'the present text comes along for the diff',
  );
  await converge(...steps);
});

test('the content of a secret file never comes back nor shows', () => {
  writeFileSync(path('secret'), 'old secret text');
  const [{ state, difference } = { state: undefined, difference: undefined }] = differences(
    file('patroni', path('secret'), new Secret('new secret text'), mine),
  );
  assert.doesNotMatch(JSON.stringify({ state, difference }), /secret text/);
  assert.match(difference?.summary ?? '', /content \(secret\)/);
});

test('a file that its reader refuses does not take its place', async () => {
  writeFileSync(path('checked'), 'good');
  const bad = file('haproxy', path('checked'), 'bad', { ...mine, check: 'grep -q good {}' });
  await assert.rejects(converge(bad));
  assert.equal(sh(`cat ${path('checked')}`), 'good');
  assert.equal(sh(`ls ${root} | grep -c hapg-new || true`).trim(), '0');
});

test('a file that must not be there is removed, a directory in its place only moved aside', async () => {
  writeFileSync(path('gone'), 'x');
  mkdirSync(path('gone-directory'));
  writeFileSync(join(path('gone-directory'), 'data'), 'x');
  await converge(noFile('patroni', path('gone')), noFile('patroni', path('gone-directory')));
  assert.match(sh(`ls ${root}`), /gone-directory\.hapg-aside-\d+/);
});

test('a file of a name that others use is removed only where its first line says that hapg made it', async () => {
  const text = { own: '# Managed by hapg\nURIs: x\n', theirs: '# by hand\nURIs: x\n' };
  for (const [name, content] of Object.entries(text)) writeFileSync(path(`source-${name}`), content);
  const steps = Object.keys(text).map((name) => noFile('patroni', path(`source-${name}`), { ifMarked: true }));
  await converge(...steps);
  assert.equal(existsSync(path('source-own')), false);
  assert.equal(readFileSync(path('source-theirs'), 'utf8'), text.theirs);
});

test('a directory gets its mode; a file in its place is moved aside', async () => {
  writeFileSync(path('not-a-directory'), 'x');
  await converge(
    directory('patroni', path('new'), { ...mine, mode: '0700' }),
    directory('patroni', path('not-a-directory'), mine),
  );
});

test('one line of a foreign file is set, whether it is there, missing, or commented out', async () => {
  writeFileSync(path('login.defs'), '# UMASK 077\nPASS_MAX_DAYS\t99999\nOTHER 1\n');
  await converge(
    option('hardening', path('login.defs'), 'UMASK', '027'),
    option('hardening', path('login.defs'), 'PASS_MAX_DAYS', 365),
  );
  assert.equal(sh(`cat ${path('login.defs')}`), '# UMASK 077\nPASS_MAX_DAYS\t365\nOTHER 1\nUMASK\t027\n');
});

test('packages that are half-configured are not installed', () => {
  const step = packages('patroni', ['patroni', 'etcd-server', 'curl']);
  const states = step.kind.parse('patroni|half-configured|4.0.7\ncurl|installed|8\netcd-server|config-files|3\n', [
    step,
  ]);
  assert.equal(step.kind.diff(step, states.get(step.id))?.summary, 'install patroni (half-configured) etcd-server');
});

const UNIT_STATES: [string, string, string | undefined][] = [
  ['as wanted', 'LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no', undefined],
  [
    'stopped',
    'LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\nNeedDaemonReload=no',
    'inactive → active',
  ],
  ['failed', 'LoadState=loaded\nActiveState=failed\nUnitFileState=enabled\nNeedDaemonReload=no', 'failed → active'],
  [
    'disabled',
    'LoadState=loaded\nActiveState=active\nUnitFileState=disabled\nNeedDaemonReload=no',
    'disabled → enabled',
  ],
  [
    'masked',
    'LoadState=masked\nActiveState=inactive\nUnitFileState=masked\nNeedDaemonReload=no',
    'masked → unmask, masked → enabled, inactive → active',
  ],
  [
    'changed on disk',
    'LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes',
    'changed on disk → daemon-reload',
  ],
  ['absent', 'LoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no', 'start and enable'],
];
for (const [what, text, says] of UNIT_STATES)
  test(`a unit that is ${what}`, () => {
    const step = unit('patroni', 'patroni.service');
    assert.equal(step.kind.diff(step, step.kind.parse(`${text}\n`, [step]).get(step.id))?.summary, says);
  });

test('the DCS is sent only what differs, and settings that are not declared are removed', () => {
  const present = {
    ttl: 30,
    pause: false,
    slots: { keep: {} },
    postgresql: { use_slots: true, parameters: { max_connections: '100', work_mem: '8MB', wal_log_hints: true } },
  };
  const wanted = {
    ttl: 20,
    postgresql: { use_slots: true, parameters: { max_connections: 100, wal_log_hints: 'on' } },
  };
  assert.deepEqual(configPatch(present, wanted), { ttl: 20, postgresql: { parameters: { work_mem: null } } });
  assert.deepEqual(configPatch({ ...present, ttl: 20, postgresql: wanted.postgresql }, wanted), {});
});

test('a SCRAM verifier matches its password only', () => {
  const verifier = scramVerifier('correct horse', Buffer.from('0123456789abcdef'));
  assert.match(verifier, /^SCRAM-SHA-256\$4096:MDEyMzQ1Njc4OWFiY2RlZg==\$/);
  assert.ok(scramMatches(verifier, 'correct horse'));
  assert.ok(!scramMatches(verifier, 'wrong'));
  assert.ok(!scramMatches('md5abc', 'correct horse'));
});

/** What a role and a database have that nothing was declared of. */
const attributes = { createdb: false, createrole: false, replication: false, bypassrls: false, inherit: true };
const plainRole = { attributes, validUntil: null, settings: {} };
const plainState = { superuser: false, attributes, until: null, ended: false, settings: [] };

test('a password is derived once for each verifier, however often a run compares', () => {
  const verifiers = Array.from({ length: 3 }, (_, index) => scramVerifier(`password ${index}`));
  const derived = mock.method(crypto, 'pbkdf2Sync');
  syncBuiltinESMExports();
  const user = (index: number) => ({
    name: `u${index}`,
    roles: [],
    ...plainRole,
    connectionLimit: -1,
    password: new Secret(`password ${index}`),
  });
  const step = sqlObjects('patroni', {
    accounts: [],
    pooled: false,
    monitored: false,
    server: { binDir: '/usr/lib/postgresql/17/bin', port: 5432 },
    users: [0, 1, 2, 3].map(user),
    databases: [],
  });
  const state: SqlState = {
    recovery: false,
    lookUp: null,
    users: verifiers.map((verifier, index) => ({
      ...plainState,
      name: `u${index}`,
      login: true,
      limit: -1,
      roles: [],
      verifier,
    })),
    databases: [],
  };
  try {
    for (let again = 0; again < 5; again++) assert.equal(step.kind.diff(step, state)?.summary, 'create user u3');
    assert.equal(derived.mock.callCount(), 3);
    assert.ok(!scramMatches(verifiers[0]!, 'password 1'), 'another password is another pair');
    assert.ok(scramMatches(verifiers[0]!, 'password 0'));
  } finally {
    derived.mock.restore();
    syncBuiltinESMExports();
  }
});

test('SQL names and texts are quoted', () => {
  assert.equal(identifier('a"b'), '"a""b"');
  assert.equal(literal("a'b"), "'a''b'");
});

test('users and databases: what is missing is made, what differs is changed, nothing is dropped', () => {
  const password = new Secret('a password');
  const step = sqlObjects('patroni', {
    accounts: [],
    pooled: false,
    monitored: false,
    server: { binDir: '/usr/lib/postgresql/17/bin', port: 5432 },
    users: [{ ...plainRole, name: 'app', roles: ['pg_monitor'], connectionLimit: 5, password }],
    databases: [{ name: 'app', owner: 'app', connectionLimit: -1, settings: {} }],
  });
  const base: SqlState = { recovery: false, lookUp: null, users: [], databases: [] };
  assert.equal(step.kind.diff(step, base)?.summary, 'create user app; grant pg_monitor to app; create database app');
  const there: SqlState = {
    recovery: false,
    lookUp: null,
    users: [
      {
        ...plainState,
        name: 'app',
        login: false,
        limit: -1,
        roles: [{ role: 'pg_monitor', by: 'postgres', inherit: true }],
        verifier: scramVerifier('another'),
      },
      { ...plainState, name: 'else', login: true, limit: -1, roles: [], verifier: null },
    ],
    databases: [{ name: 'app', owner: 'else', limit: -1, settings: [] }],
  };
  assert.equal(
    step.kind.diff(step, there)?.summary,
    'let user app log in; connection limit of app -1 → 5; password of user app; owner of app else → app',
  );
});

test("the exporter's role comes and goes with the monitoring, and a role of somebody else with its name stays", () => {
  const server = { binDir: '/usr/lib/postgresql/17/bin', port: 5432 };
  const step = (monitored: boolean) =>
    sqlObjects('patroni', { accounts: [], pooled: false, monitored, server, users: [], databases: [] });
  const summary = (monitored: boolean, role?: Partial<SqlState['users'][number]>) => {
    const made = { ...plainState, name: 'hapg_monitor', login: true, limit: -1, verifier: null };
    const roles = [{ role: 'pg_monitor', by: 'postgres', inherit: true }];
    const users = role ? [{ ...made, roles, ...role }] : [];
    const one = step(monitored);
    return one.kind.diff(one, { recovery: false, lookUp: null, users, databases: [] })?.summary;
  };
  assert.equal(summary(true), 'create user hapg_monitor; grant pg_monitor to hapg_monitor');
  assert.equal(summary(true, {}), undefined);
  assert.equal(summary(false), undefined);
  assert.equal(summary(false, {}), 'drop user hapg_monitor');
  for (const theirs of [
    { verifier: scramVerifier('a password') },
    { superuser: true },
    { login: false },
    { roles: [{ role: 'accounting', by: 'postgres', inherit: true }] },
    { settings: ['work_mem=1GB'] },
  ])
    assert.equal(summary(false, theirs), undefined, JSON.stringify(theirs));
});

test('a plan foresees the restart that a changed setting will ask for, and none for spellings or for other settings', () => {
  const parameters = { max_connections: 120, shared_buffers: '128MB', work_mem: '8MB', wal_log_hints: 'on' };
  const restarted = memberRestart('patroni', {
    name: 'db1',
    scope: ['pg'],
    rest: '',
    candidate: undefined,
    sharedBuffers: undefined,
    timing: timing('fast', {}, false),
    parameters,
    restartSettings: ['max_connections', 'shared_buffers', 'wal_log_hints'],
    settleSeconds: 6,
  });
  const seen = (shared: object, own: string, patroni = '{"role":"replica"}') =>
    restarted.kind
      .parse(
        [
          patroni,
          JSON.stringify({ ttl: 20, postgresql: { parameters: shared } }),
          `  parameters:\n${own}`.replaceAll('\n', '\x1f'),
        ].join('\n'),
        [restarted],
      )
      .get(restarted.id);
  const says = (...state: Parameters<typeof seen>) => restarted.kind.diff(restarted, seen(...state))?.summary;
  const same = { max_connections: '120', wal_log_hints: true };
  assert.equal(says(same, '    shared_buffers: 128MB\n    work_mem: 8MB\n'), undefined);
  assert.equal(says(same, '    shared_buffers: 128MB\n    work_mem: 4MB\n'), undefined, 'a reload is enough');
  assert.match(
    says({ ...same, max_connections: 100 }, '    shared_buffers: 64MB\n    work_mem: 8MB\n')!,
    /restarts for max_connections, shared_buffers/,
  );
  assert.match(
    says(same, '    shared_buffers: 128MB\n    work_mem: 8MB\n', '{"role":"replica","pending_restart":true}')!,
    /restarts for changed settings/,
  );
  assert.equal(
    restarted.kind.diff(restarted, restarted.kind.parse('\n\n', [restarted]).get(restarted.id)),
    undefined,
    'before there is a member',
  );
});
