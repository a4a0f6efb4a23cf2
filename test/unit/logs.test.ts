import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type LogWish, lineOf, logLimit, logScript, mergeByTime, readLog } from '../../src/cluster/host-logs.ts';
import { priorityOf, readPriority } from '../../src/cluster/log-levels.ts';
import { NOISE } from '../../src/cluster/log-noise.ts';
import { timeMistake } from '../../src/cluster/log-times.ts';
import { fakeHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { sh } from './sh.ts';

const path = mkdtempSync(join(tmpdir(), 'hapg-test-logs-'));
after(() => rmSync(path, { recursive: true }));
const NOON = Date.parse('2026-01-01T12:00:00Z') * 1000;

/** An entry as `journalctl -o json` prints it. */
const entry = (message: string, { at = 0, unit = 'patroni.service', priority = 6 } = {}): string =>
  JSON.stringify({
    __CURSOR: 's=1',
    __REALTIME_TIMESTAMP: String(NOON + at),
    PRIORITY: String(priority),
    MESSAGE: message,
    _PID: '12',
    _SYSTEMD_UNIT: unit,
    SYSLOG_IDENTIFIER: unit.replace('.service', ''),
  });

const WISH: LogWish = { units: ['patroni'], from: { since: '-1h' }, limit: 1e6 };
/** What a host whose journal has these lines answers to a wish. */
function journal(lines: readonly string[], wish: Partial<LogWish> = {}) {
  writeFileSync(join(path, 'text'), `${lines.join('\n')}\n-- cursor: s=1;i=2\n`);
  writeFileSync(
    join(path, 'journalctl'),
    `#!/bin/sh\necho "$*" >> ${path}/asked\ncase "$*" in *-n\\ 1*gone*) exit 0 ;; *-n\\ 1*) echo x; exit 0 ;; esac\ncat ${path}/text\n`,
    { mode: 0o755 },
  );
  writeFileSync(
    join(path, 'systemctl'),
    '#!/bin/sh\ncase "$*" in *patroni*) echo loaded ;; *) echo not-found ;; esac\n',
    {
      mode: 0o755,
    },
  );
  const one = { ...WISH, ...wish };
  return readLog(sh(`SSH_CONNECTION='10.9.9.9 555 10.1.1.10 22'\n${logScript(one)}`, { path }).out, one);
}
const messages = (lines: readonly string[], wish: Partial<LogWish> = {}) =>
  journal(lines, wish).entries.map(({ message }) => message);

test('entries are in the order of time, and those of one moment keep their order', () => {
  const one = (at: number, message: string) => ({ ...journal([entry(message, { at })], { all: true }).entries[0]! });
  const merged = mergeByTime([
    { host: 'a', entries: [one(2, 'second'), one(2, 'third'), one(9, 'last')] },
    { host: 'b', entries: [one(1, 'first'), one(5, 'fourth')] },
  ]);
  assert.deepEqual(
    merged.map(({ host, message }) => `${host} ${message}`),
    ['b first', 'a second', 'a third', 'b fourth', 'a last'],
  );
});

test('an entry is one line with the time in UTC to the microsecond', () => {
  assert.equal(
    lineOf(journal([entry('a message', { at: 42 })]).entries[0]!),
    '2026-01-01T12:00:00.000042Z patroni[12]: a message',
  );
});

test('a message that is no text, or that has several lines, is read', () => {
  const bytes = JSON.parse(entry('')) as Record<string, unknown>;
  bytes.MESSAGE = [...Buffer.from('grün\x07')];
  assert.deepEqual(messages([JSON.stringify(bytes), entry('one\ntwo')]), ['grün\x07', 'one\ntwo']);
});

test('of more than the limit the newest whole entries are left, with the place to go on from', () => {
  const lines = Array.from({ length: 1000 }, (_, index) => entry(`grün ${index}`, { at: index }));
  const whole = journal(lines);
  assert.deepEqual([whole.entries.length, whole.cursor, whole.cut], [1000, 's=1;i=2', false]);
  const some = journal(lines, { limit: 5000 });
  assert.deepEqual([some.cursor, some.cut, some.entries.at(-1)!.message], ['s=1;i=2', true, 'grün 999']);
  assert.ok(some.entries.length > 10 && some.entries.length < 40, String(some.entries.length));
});

test('a journal of exactly the limit is whole, and all hosts together stay within memory', () => {
  const exact = `${entry('a')}\n-- cursor: s=1;i=2\n`.length;
  assert.equal(journal([entry('a')], { limit: exact }).cut, false);
  assert.equal(journal([entry('a')], { limit: exact, checkUnits: true }).cut, false);
  assert.equal(journal([entry('a')], { limit: exact - 1 }).cut, true);
  for (const hosts of [1, 7, 50, 500]) assert.ok(logLimit(hosts) * hosts <= 128 * 1024 * 1024);
});

test('the newest entries of a host are its last ones', () => {
  assert.deepEqual(messages([entry('a'), entry('b'), entry('c')], { newest: 2 }), ['b', 'c']);
  assert.deepEqual(messages([entry('a')], { newest: 2 }), ['a']);
  assert.deepEqual(messages([entry('a')], { newest: 0 }), []);
});

test('journalctl is asked for the pattern and the end, in quotes', () => {
  const script = logScript({ ...WISH, grep: "it's", until: '2 min ago' });
  assert.match(script, /--until='2 min ago' --grep='it'\\''s' -u patroni/);
});

test('what journalctl complains of is the error of the host', () => {
  writeFileSync(join(path, 'text'), '');
  assert.throws(
    () => journal(['Failed to compile pattern: missing )']),
    /^Error: Failed to compile pattern: missing \)$/,
  );
});

test('the urgency that a program writes into its text counts, because the journal takes all its lines for info', () => {
  const PG = '2026-01-01 12:00:00.000 UTC [12] ';
  for (const [message, priority] of [
    [`${PG}ERROR:  relation "x" does not exist`, 'err'],
    [`${PG}FATAL:  the database system is starting up`, 'crit'],
    [`${PG}app@app ERROR:  syntax error`, 'err'],
    [`${PG}LOG:  checkpoint complete`, 'info'],
    [`${PG}LOG:  a statement with the word ERROR: in it`, 'info'],
    ['2026-01-01 12:00:00,123 WARNING: Postgresql is not running.', 'warning'],
    ['{"level":"warn","ts":"2026-01-01","msg":"slow"}', 'warning'],
    ['P00  ERROR: [041]: unable to open', 'err'],
  ] as const)
    assert.equal(priorityOf(6, message), priority, message);
  assert.equal(priorityOf(3, 'from HAProxy'), 'err');
  assert.deepEqual(
    [readPriority('err'), readPriority('error'), readPriority('4'), readPriority('loud')],
    [3, 3, 4, undefined],
  );
});

test('only entries as urgent as was asked are shown', () => {
  const lines = [
    entry('12:00 UTC [1] ERROR:  an error'),
    entry('12:00 UTC [1] LOG:  no ERROR: in truth'),
    entry('{"level":"error","msg":"of etcd"}'),
    entry('Server primary/db1 is DOWN', { priority: 1 }),
    entry('12:00,1 WARNING: a warning'),
    entry('nothing'),
  ];
  assert.deepEqual(messages(lines, { priority: 3 }), [
    '12:00 UTC [1] ERROR:  an error',
    '{"level":"error","msg":"of etcd"}',
    'Server primary/db1 is DOWN',
  ]);
  assert.equal(messages(lines, { priority: 4 }).length, 4);
  assert.equal(messages(lines, { priority: 7 }).length, 6);
});

/** Lines that only --all shows, each with a line of the same unit that always appears. */
const PAIRS: [unit: string, noise: string, kept: string][] = [
  [
    'patroni',
    '12:00 [1] LOG:  connection authorized: user=app database=app',
    '12:00 [1] FATAL:  password authentication failed',
  ],
  [
    'patroni',
    '12:00 [1] LOG:  connection received: host=10.1.1.14 port=1',
    '12:00 [1] LOG:  replication connection authorized: user=r',
  ],
  [
    'patroni',
    '12:00 [1] LOG:  disconnection: session time: 0:00:00.007',
    '12:00 [1] LOG:  connection to the server was lost',
  ],
  ['patroni', '12:00 [1] LOG:  incomplete startup packet', '12:00 [1] ERROR:  x'],
  ['patroni', '10.1.1.14 - - "GET /primary HTTP/1.0" 200 -', '10.1.1.14 "POST /switchover HTTP/1.1" 200 -'],
  [
    'haproxy',
    'Connect from 10.1.1.16:5 to 10.1.1.100:5000 (primary/TCP)',
    'Server primary/db1 is DOWN, reason: Layer7 wrong status',
  ],
  [
    'haproxy',
    'Health check for server primary/db1 succeeded, reason: Layer7',
    'Health check for server primary/db1 failed',
  ],
  [
    'pgbouncer',
    'C-0x1: app/app@10.1.1.14:5 login attempt: db=app user=app',
    'C-0x1: closing because: password authentication failed',
  ],
  [
    'pgbouncer',
    'S-0x1: closing because: server idle timeout (age=600s)',
    'S-0x1: closing because: server conn crashed?',
  ],
  [
    'ssh',
    'Accepted publickey for root from 10.9.9.9 port 5 ssh2',
    'Accepted publickey for root from 10.8.8.8 port 5 ssh2',
  ],
];
test('what says only that somebody connected is left out without --all, and a failure never is', () => {
  for (const [unit, noise, kept] of PAIRS) {
    const lines = [noise, kept].map((one) => entry(one, { unit: `${unit}.service` }));
    assert.deepEqual(messages(lines), [kept]);
    assert.deepEqual(messages(lines, { all: true }), [noise, kept]);
    assert.deepEqual(messages([entry(noise, { unit: 'other.service' })]), [noise], 'another unit may say so');
  }
  assert.ok(NOISE.every(({ why }) => why.length > 10));
});

test('the order of the fields of an entry does not matter', () => {
  const [, noise] = PAIRS[0]!;
  const reversed = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(entry(noise))).reverse()));
  assert.deepEqual(messages([reversed]), []);
});

test('a host tells which of the named units it has, also one that only its journal knows', () => {
  assert.deepEqual(journal([], { units: ['patroni', 'old-job', 'gone'], checkUnits: true }).units, [
    'patroni',
    'old-job',
  ]);
});

const said = (...lines: string[]) => ({
  answers: { journalctl: `-- unit: patroni\n${lines.join('\n')}\n-- cursor: s=1\n` },
});

test('hapg logs shows the hosts in the order of time, and asks each for so much only', async (context) => {
  const fakes = await fakeHosts({
    db1: said(entry('second', { at: 2 })),
    db2: said(entry('first', { at: 1 }), entry('third', { at: 3 })),
  });
  context.after(() => fakes.close());
  const words = ['logs', 'patroni', '-i', fakes.inventory];
  const { code, out } = await inProcess(words);
  assert.equal(code, 0);
  assert.deepEqual(
    [...out.matchAll(/(first|second|third)$/gm)].map(([word]) => word),
    ['first', 'second', 'third'],
  );
  const asked = fakes.scripts.filter(({ script }) => script.includes('journalctl'));
  assert.equal(asked.length, 7);
  for (const { script } of asked) assert.ok(script.includes(`tail -c ${logLimit(7) + 1}`), script);
  const newest = await inProcess([...words, '-n', '2', '-o', 'json']);
  assert.deepEqual(JSON.parse(newest.out), [
    {
      ...{ host: 'db1', line: '2026-01-01T12:00:00.000002Z patroni[12]: second', time: '2026-01-01T12:00:00.000002Z' },
      ...{ unit: 'patroni.service', priority: 'info', pid: 12, message: 'second' },
    },
    {
      ...{ host: 'db2', line: '2026-01-01T12:00:00.000003Z patroni[12]: third', time: '2026-01-01T12:00:00.000003Z' },
      ...{ unit: 'patroni.service', priority: 'info', pid: 12, message: 'third' },
    },
  ]);
  assert.match((await inProcess([...words, '-n', '2', '-p', 'err'])).out, /^$/);
});

test('a unit that no host has is an error that names those of the cluster', async (context) => {
  const fakes = await fakeHosts({ db1: said() });
  context.after(() => fakes.close());
  const { code, err } = await inProcess(['logs', 'patroni', 'patron', '-i', fakes.inventory]);
  assert.equal(code, 2);
  assert.match(
    err,
    /^hapg logs patron: no host has such a unit; those of the cluster are .*etcd.*haproxy.* \(did you mean "patroni"\?\)$/m,
  );
  assert.doesNotMatch(err, /zookeeper/);
});

test('a pattern that no host takes is an error', async (context) => {
  const fakes = await fakeHosts({ db1: { answers: { journalctl: 'Failed to compile pattern: missing )\n' } } });
  context.after(() => fakes.close());
  const { code, err } = await inProcess(['logs', '-i', fakes.inventory, '-l', 'db1', '--grep', '(']);
  assert.equal(code, 2);
  assert.match(err, /Failed to compile pattern: missing \)/);
});

for (const [words, says] of [
  ['-p loud', /--priority loud: one of emerg, alert, crit, err/],
  ['-n many', /--lines many: a number is needed/],
  ['--until 1h', /--until 1h: not a time that journalctl takes/],
  ['-f --until now', /-f has no end: without --until/],
  ['a;b', /a;b: not a unit/],
] as const)
  test(`a mistake is told before a host is asked: hapg logs ${words}`, async () => {
    const { code, err } = await inProcess(['logs', '-i', 'inventory/lab.yaml', ...words.split(' ')]);
    assert.equal(code, 5, err);
    assert.match(err, says);
  });

test('times that journalctl takes are taken', () => {
  for (const time of [
    ...['-1h', '-2min', '- 1h 30min', '2 hours ago', '90s ago', 'yesterday', 'now', '@1395716396', '14:05', '14:05:01'],
    ...['2026-01-31', '2026-01-31 14:05', '2026-01-31 14:05:00.5', '2026-01-31T14:05:00Z', 'Fri 2026-01-30 11:12:13'],
    ...['2026-01-31 14:05:00 UTC', '2026-01-31 14:05:00 Europe/Berlin', '2026-01-31 14:05:00+01:00'],
  ])
    assert.equal(timeMistake(time), undefined, time);
});

test('other times are refused before a host is asked, with the form that was meant', () => {
  assert.match(timeMistake('2 minutes')!, /: "2 minutes ago" or "-2 minutes"$/);
  assert.match(timeMistake('1h')!, /"1h ago" or "-1h"/);
  for (const other of ['', 'last week', '31.1.2026', 'x']) assert.match(timeMistake(other)!, /"2 hours ago"/, other);
});
