import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COMMAND_LINE, LEFT_OUT, RECOVERY } from '../../src/postgres/patroni-options.ts';
import { majorsWith, settingNames, settingOf } from '../../src/postgres/settings.ts';
import { SETTINGS_TABLE } from '../../src/postgres/settings-table.ts';
import { asText, fromText, rowsOf } from '../../src/postgres/table-text.ts';
import { inUnits, parseValue } from '../../src/postgres/value.ts';
import { written } from '../../src/postgres/written.ts';

const MAJORS = [15, 16, 17, 18];
const of = (name: string, major = 17) => settingOf(major, name)!;

test('the table of settings is what it would be written as, one line a setting and run of versions, sorted', () => {
  assert.equal(asText(fromText(SETTINGS_TABLE)), SETTINGS_TABLE.trim());
  assert.deepEqual([...fromText(SETTINGS_TABLE).keys()].sort(), MAJORS);
});

test('every supported version has all its settings, each with what its type needs', () => {
  for (const major of MAJORS) {
    assert.ok(settingNames(major).length > 350, `${major}: ${settingNames(major).length}`);
    for (const name of settingNames(major)) {
      const { type, range, values, context } = of(name, major);
      const what = `${name} of ${major}`;
      assert.match(context, /^(internal|postmaster|sighup|backend|superuser-backend|superuser|user)$/, what);
      if (context === 'internal') continue;
      assert.equal(range !== undefined, type === 'integer' || type === 'real', what);
      assert.equal(values !== undefined, type === 'enum', what);
      if (range) assert.ok(range[0] <= range[1] && range.every(Number.isFinite), what);
    }
  }
});

test('what came, went and changed between the versions is told apart (release notes)', () => {
  assert.deepEqual(majorsWith('promote_trigger_file'), [15]);
  assert.deepEqual(majorsWith('old_snapshot_threshold'), [15, 16]);
  assert.deepEqual(majorsWith('reserved_connections'), [16, 17, 18]);
  assert.deepEqual(majorsWith('summarize_wal'), [17, 18]);
  assert.deepEqual(majorsWith('io_method'), [18]);
  assert.deepEqual(majorsWith('shared_bufers'), []);
  assert.equal(of('autovacuum_max_workers', 17).context, 'postmaster');
  assert.equal(of('autovacuum_max_workers', 18).context, 'sighup');
  assert.equal(of('log_connections', 17).type, 'bool');
  assert.equal(of('log_connections', 18).type, 'string');
});

test('every name that Patroni treats in its own way is a setting of PostgreSQL', () => {
  for (const name of [...Object.keys(COMMAND_LINE), ...RECOVERY])
    assert.ok(majorsWith(name).includes(15), `${name} is in no table`);
  for (const [name, majors] of Object.entries(LEFT_OUT))
    for (const major of majors) assert.equal(of(name, major).unlisted, true, `${name} of ${major}`);
});

test('what a server says of itself is read', () => {
  const rows = rowsOf(
    'datestyle|string|||||user;huge|integer|8kB|-1|10||postmaster;mode|enum||||,a,read committed|sighup;size|integer|B|1|1||internal',
    'DateStyle\tuser\thuge\nhuge\tpostmaster\nmode\tsighup\n',
  );
  assert.deepEqual(Object.fromEntries(rows), {
    datestyle: { type: 'string', context: 'user' },
    huge: { type: 'integer', unit: '8kB', range: [-1, 10], context: 'postmaster' },
    mode: { type: 'enum', values: ['', 'a', 'read committed'], context: 'sighup' },
    size: { type: 'integer', unit: 'B', context: 'internal', unlisted: true },
  });
});

/** Setting, what is written, what PostgreSQL 17 made of it (its own answers, `set NAME = '...'` and pg_settings); undefined: refused. */
const VALUES: [name: string, text: string, means: boolean | number | string | undefined][] = [
  ['work_mem', '8MB', 8192],
  ['work_mem', '8 MB', 8192],
  ['work_mem', ' 8MB ', 8192],
  ['work_mem', '8192', 8192],
  ['work_mem', '1.5GB', 1_572_864],
  ['work_mem', '.5GB', 524_288],
  ['work_mem', ' .5GB', undefined],
  ['work_mem', '0x400', 1024],
  ['work_mem', '010MB', 8192],
  ['work_mem', '1e2MB', 102_400],
  ['work_mem', '65536B', 64],
  ['work_mem', '64.4kB', 64],
  ['work_mem', '63kB', undefined],
  ['work_mem', '8mb', undefined],
  ['work_mem', '8KB', undefined],
  ['work_mem', '8M', undefined],
  ['work_mem', '8s', undefined],
  ['work_mem', 'lots', undefined],
  ['work_mem', '', undefined],
  ['work_mem', '8MB8', undefined],
  ['work_mem', '2147483648', undefined],
  ['work_mem', '99999999999999999999', undefined],
  ['shared_buffers', '1GB', 131_072],
  ['shared_buffers', '131072', 131_072],
  ['max_wal_size', '1GB', 1024],
  ['max_connections', '100', 100],
  ['max_connections', '100.5', 100],
  ['max_connections', '101.5', 102],
  ['max_connections', '100kB', undefined],
  ['max_connections', '0x64', 100],
  ['max_connections', '0', undefined],
  ['log_min_duration_statement', '-1', -1],
  ['log_min_duration_statement', '1min', 60_000],
  ['log_min_duration_statement', '2d', 172_800_000],
  ['log_min_duration_statement', '1500us', 2],
  ['log_min_duration_statement', '1m', undefined],
  ['checkpoint_timeout', '1.5h', 5400],
  ['checkpoint_timeout', '10s', undefined],
  ['log_file_mode', '0640', 416],
  ['vacuum_cost_delay', '1500us', 1.5],
  ['vacuum_cost_delay', '0.02s', 20],
  ['random_page_cost', '1.1', 1.1],
  ['random_page_cost', '1e400', undefined],
  ['random_page_cost', '-1', undefined],
  ['random_page_cost', '1ms', undefined],
  ['jit_above_cost', '-1', -1],
  ['fsync', 'on', true],
  ['fsync', 'TRUE', true],
  ['fsync', 'tr', true],
  ['fsync', 'y', true],
  ['fsync', 'of', false],
  ['fsync', 'o', undefined],
  ['fsync', ' on', undefined],
  ['fsync', '2', undefined],
  ['fsync', '', undefined],
  ['wal_compression', 'LZ4', 'lz4'],
  ['wal_compression', 'on', 'pglz'],
  ['wal_compression', 'yes', 'pglz'],
  ['wal_compression', 'gzip', undefined],
  ['synchronous_commit', 'true', 'on'],
  ['synchronous_commit', '0', 'off'],
  ['synchronous_commit', 'tr', undefined],
  ['wal_level', 'hot_standby', 'replica'],
  ['log_min_messages', 'debug', 'debug2'],
  ['client_min_messages', 'info', 'info'],
  ['default_transaction_isolation', 'READ committed', 'read committed'],
  ['ssl_max_protocol_version', '', ''],
  ['search_path', '"$user", public', '"$user", public'],
];

for (const [name, text, means] of VALUES)
  test(`${name} = '${text}' ${means === undefined ? 'is refused' : `means ${means}`}`, () => {
    const parsed = parseValue(of(name), text);
    assert.deepEqual(parsed.ok ? parsed.value : undefined, means, JSON.stringify(parsed));
  });

/** What is said of a value that is refused. */
const SAYS: [name: string, text: string, says: string][] = [
  ['max_connections', 'abc', 'it takes a whole number from 1 to 262143'],
  ['max_connections', '0', 'it is from 1 to 262143'],
  ['work_mem', '8mb', 'its units are TB, GB, MB, kB, B, in this spelling: 8MB'],
  ['work_mem', '8 g', 'its units are TB, GB, MB, kB, B, in this spelling: 8GB'],
  ['work_mem', '16kB', 'it is from 64kB to 2147483647kB'],
  ['checkpoint_timeout', '10sec', 'its units are d, h, min, s, ms, us, in this spelling: 10s'],
  ['checkpoint_timeout', '5m', 'its units are d, h, min, s, ms, us, in this spelling: 5min'],
  ['checkpoint_timeout', '5 fortnights', 'its units are d, h, min, s, ms, us, in this spelling'],
  ['checkpoint_timeout', '2d', 'it is from 30s to 1d'],
  ['random_page_cost', 'x', 'it takes a number from 0 up'],
  ['random_page_cost', '1ms', 'it takes a number without a unit from 0 up'],
  ['fsync', 'maybe', 'it is on or off'],
  ['xmloption', 'text', 'it is one of content, document'],
];

for (const [name, text, says] of SAYS)
  test(`of ${name} = '${text}' it is said: ${says}`, () => {
    const parsed = parseValue(of(name), text);
    assert.equal(parsed.ok ? 'nothing' : parsed.problem, says);
  });

test('a number that is shown in a unit means the same when it is read again', () => {
  const names = settingNames(17).filter((name) => of(name).type === 'integer' && of(name).context !== 'internal');
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.integer({ min: 0, max: 2 ** 31 - 1 }), (name, number) => {
      const setting = { ...of(name), range: undefined };
      assert.deepEqual(parseValue(setting, inUnits(number, setting.unit)), { ok: true, value: number });
    }),
  );
});

test('what Patroni reads otherwise than PostgreSQL is written out; whatever else stands as it was', () => {
  const cases: [name: string, value: string | number | boolean, is: string | number | boolean][] = [
    ['work_mem', '64MB', '64MB'],
    ['work_mem', '64 MB', '64 MB'],
    ['work_mem', 65536, 65536],
    ['work_mem', '1.5GB', '1.5GB'],
    ['work_mem', '0x400MB', '1GB'],
    ['work_mem', '1e3kB', '1000kB'],
    ['shared_buffers', '040000', '128MB'],
    ['max_connections', '0x64', '100'],
    ['max_connections', '100.4', '100'],
    ['max_connections', 100.4, '100'],
    ['log_file_mode', '0640', '0640'],
    ['fsync', true, true],
    ['fsync', 'Yes', 'Yes'],
    ['fsync', 'tr', 'on'],
    ['fsync', 'of', 'off'],
    ['search_path', '0x10', '0x10'],
    ['pg_stat_statements.max', '0x10', '0x10'],
  ];
  for (const [name, value, is] of cases) assert.equal(written(17, name, value), is, `${name} = ${value}`);
});

test('whatever is written means to PostgreSQL what a person has said', () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 5000 }).map(String), fc.constantFrom('0x1f', '017', '1.5', '2e2'));
  const unit = fc.constantFrom('', 'kB', 'MB', ' GB', 'ms', 's', 'min', 'h');
  const word = fc.constantFrom('t', 'fal', 'on', 'YES', 'n', '0', 'lz4', 'debug', 'replica');
  const names = settingNames(17).filter((name) => of(name).context !== 'internal');
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.oneof(
        fc.tuple(number, unit).map((pair) => pair.join('')),
        word,
      ),
      (name, text) => {
        const meant = parseValue(of(name), text);
        if (!meant.ok) return assert.equal(written(17, name, text), text);
        assert.deepEqual(parseValue(of(name), String(written(17, name, text))), meant);
      },
    ),
    { numRuns: 2000 },
  );
});
