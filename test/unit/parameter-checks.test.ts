import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { UsageError } from '../../src/errors.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { settingNames, settingOf } from '../../src/postgres/settings.ts';
import { parseValue } from '../../src/postgres/value.ts';

const inventory = (parameters: string, more = '', version = '17') => `cluster: main
postgres:
  version: "${version}"
${more}  parameters: {${parameters}}
clients: [10.0.0.0/24]
hosts:
  backup: {address: 10.0.0.9, roles: [pgbackrest]}
  db1: {address: 10.0.0.1, roles: [etcd, patroni]}
  db2: {address: 10.0.0.2, roles: [etcd, patroni]}
  db3: {address: 10.0.0.3, roles: [etcd, patroni]}
`;

/** The messages about an inventory: whether it is refused, and what is said, with its place. */
function said(text: string): { refused: boolean; says: string } {
  try {
    return { refused: false, says: parseInventory(text, 'i.yaml').warnings.join('\n') };
  } catch (cause) {
    assert.ok(cause instanceof UsageError, String(cause));
    return { refused: true, says: cause.message };
  }
}

/** What is written (‸ marks the place that the error points at), and what is said; PostgreSQL 17 where no version is. */
const REFUSED: [parameters: string, says: RegExp, version?: string][] = [
  // names
  ['‸shared_bufers: 8GB', /PostgreSQL 17 has no setting shared_bufers \(did you mean "shared_buffers"\?\)/],
  ['‸nonsense: 1', /PostgreSQL 17 has no setting nonsense$/m],
  [
    '‸wal_keep_segments: 100',
    /has no setting wal_keep_segments; in its place: wal_keep_size \(since 13; 16MB a segment\)/,
  ],
  ['‸checkpoint_segments: 32', /in its place: max_wal_size/],
  ['‸sort_mem: 64MB', /in its place: work_mem/],
  ['‸old_snapshot_threshold: 1h', /PostgreSQL 17 has no setting old_snapshot_threshold; in its place: nothing/],
  ['‸io_method: sync', /io_method comes with PostgreSQL 18, and this cluster has 17/],
  ['‸summarize_wal: on', /summarize_wal comes with PostgreSQL 17, and this cluster has 16/, '16'],
  ['‸ssl_ecdh_curve: prime256v1', /in its place: ssl_groups/, '18'],
  ['‸vacuum_defer_cleanup_age: 1', /in its place: hot_standby_feedback/, '16'],
  ['‸Work_Mem: 8MB', /in lower case here: work_mem/],
  ['‸DateStyle: ISO', /in lower case here: datestyle/],
  ['‸block_size: 16384', /block_size cannot be set: PostgreSQL only shows it/],
  ['‸server_version: "18"', /cannot be set: PostgreSQL only shows it/],
  ['‸composite_type_mismatch: warn', /Patroni leaves composite_type_mismatch out/],
  ['‸a..b: 1', /a\.\.b is no name of a setting/],
  ['‸pg_stat_statements.: 1', /is no name of a setting/],
  // types, units, ranges, values
  ['max_connections: ‸abc', /max_connections cannot be "abc": it takes a whole number from 1 to 262143/],
  ['max_connections: ‸true', /max_connections cannot be true: it takes a whole number/],
  ['max_connections: ‸100MB', /it takes a whole number without a unit/],
  ['work_mem: ‸64mb', /work_mem cannot be "64mb": its units are .*, in this spelling: 64MB/],
  ['work_mem: ‸16kB', /it is from 64kB/],
  ['work_mem: ‸-1', /it is from 64kB/],
  ['statement_timeout: ‸10sec', /in this spelling: 10s/],
  ['checkpoint_completion_target: ‸90', /it is from 0 to 1/],
  ['fsync: ‸maybe', /fsync cannot be "maybe": it is on or off/],
  ['wal_compression: ‸lz5', /it is one of pglz, lz4, zstd, on, off \(did you mean "lz4"\?\)/],
  ['maintenance_work_mem: ‸512kB', /it is from 1MB/, '16'],
  ['log_file_mode: ‸0640', /write the mode in quotes and with a leading zero/],
  ['vacuum_buffer_usage_limit: ‸64kB', /PostgreSQL takes 0, or from 128kB/],
  ['notify_buffers: ‸17', /multiples of 16 blocks/],
  ['autovacuum_work_mem: ‸32kB', /no less than 64kB/],
  ['autovacuum_work_mem: ‸512kB', /no less than 1MB/, '15'],
  // what Patroni takes
  ['max_connections: ‸20', /Patroni takes no less than 25, and below it silently another value/],
  ['max_wal_senders: ‸2', /no less than 3/],
  ['max_replication_slots: ‸3', /no less than 4/],
  ['max_locks_per_transaction: ‸31', /no less than 32/],
  ['max_worker_processes: ‸1', /no less than 2/],
  ['wal_keep_size: ‸8MB', /no less than 16MB/],
  ['wal_keep_size: ‸0', /no less than 16MB/],
  ['wal_level: ‸minimal', /wal_level must be replica or logical/],
  // owned
  ...(
    [
      'port',
      'listen_addresses',
      'data_directory',
      'config_file',
      'hba_file',
      'ident_file',
      'unix_socket_directories',
      'cluster_name',
      'hot_standby',
      'wal_log_hints',
      'primary_conninfo',
      'primary_slot_name',
      'synchronous_standby_names',
      'recovery_target_time',
      'recovery_target_timeline',
      'recovery_min_apply_delay',
      'restore_command',
      'archive_command',
      'archive_library',
      'archive_mode',
      'archive_cleanup_command',
      'ssl',
      'ssl_cert_file',
      'ssl_crl_file',
      'ssl_passphrase_command',
      'password_encryption',
      'bonjour',
      'lc_collate',
      'data_checksums',
      'transaction_isolation',
      'role',
      'session_authorization',
    ] as const
  ).map((name): [string, RegExp] => [`‸${name}: x`, new RegExp(`${name} cannot be set here: `)]),
  // harmful
  ['fsync: ‸off', /fsync: the first host that loses power/],
  ['fsync: ‸of', /fsync: the first host that loses power/],
  ['full_page_writes: ‸false', /pg_rewind and backups from a standby need it/],
  ['zero_damaged_pages: ‸on', /throws damaged data away/],
  ['ignore_checksum_failure: ‸on', /damage would spread/],
  ['synchronous_commit: ‸off', /with replication: sync a commit waits for a standby/],
  ['synchronous_commit: ‸local', /with replication: sync/],
  ['synchronous_commit: ‸false', /with replication: sync/],
  ['min_wal_size: ‸16MB', /two segments/],
  ['max_wal_size: ‸2', /two segments/],
  ['ssl_min_protocol_version: ‸TLSv1', /TLSv1\.2/],
  ['ssl_max_protocol_version: ‸TLSv1.1', /TLSv1\.2/],
  ['unix_socket_permissions: ‸"0070"', /its owner/],
  ['max_connections: 30, superuser_reserved_connections: ‸30', /of max_connections, 30, are 30 reserved/],
  ['max_connections: 40, reserved_connections: ‸37', /of max_connections, 40, are 40 reserved/],
  ['sync_replication_slots: ‸on', /needs wal_level: logical/],
  ['wal_level: logical, sync_replication_slots: ‸tru', /needs hot_standby_feedback: on/],
];

for (const [parameters, says, version] of REFUSED)
  test(`refused${version ? ` with ${version}` : ''}: ${parameters.replace('‸', '')}`, () => {
    const marked = inventory(parameters, '', version);
    const before = marked.slice(0, marked.indexOf('‸')).split('\n');
    const { refused, says: message } = said(marked.replace('‸', ''));
    assert.ok(refused, `accepted with: ${message}`);
    assert.match(message, says);
    assert.match(message, new RegExp(`^i\\.yaml:${before.length}:${before.at(-1)!.length + 1}: error: `, 'm'), message);
    assert.equal(message.match(/: error: /g)!.length, 1, message);
  });

/** Taken, with this warning or with none. */
const TAKEN: [parameters: string, warns?: RegExp, more?: string, version?: string][] = [
  ['work_mem: 64MB, shared_buffers: 1.5GB, max_connections: "0x64", checkpoint_timeout: 1h'],
  ['fsync: on, full_page_writes: true, jit: off, log_file_mode: "0640", wal_compression: LZ4'],
  ['max_connections: 25, max_wal_senders: 5, max_replication_slots: 4, max_worker_processes: 2, wal_keep_size: 16MB'],
  ['wal_level: logical, sync_replication_slots: on, hot_standby_feedback: on'],
  ['wal_level: replica, synchronous_commit: remote_apply, ssl_min_protocol_version: TLSv1.3'],
  ['timezone: Europe/Berlin, search_path: "app, public", log_line_prefix: "%m ", application_name: x'],
  ['output_plugin_libraries: "pgoutput, wal2json", extension_destdir: ""'],
  ['log_connections: "receipt,authorization"', undefined, '', '18'],
  ['force_parallel_mode: off', undefined, '', '15'],
  ['autovacuum: off', /warning: autovacuum: tables grow/],
  ['huge_pages: on', /"try" takes what there is/],
  ['huge_pages: try'],
  ['max_stack_depth: 16MB', /stack of 8MB/],
  ['default_transaction_read_only: on', /cannot write/],
  ['max_wal_senders: 3', /3: 2 standbys take 2, and a copy that is being made two more/],
  // names with a dot
  ['pg_stat_statements.max: 5000', undefined, '  extensions: [pg_stat_statements]\n'],
  ['pg_stat_statements.max: 5000', undefined, '  databases: [{name: a, extensions: [pg_stat_statements]}]\n'],
  [
    'pg_stat_statements.max: 5000',
    /has no effect: nothing loads pg_stat_statements; name it under postgres\.extensions/,
  ],
  ['pg_stat_statements.max: 5000, shared_preload_libraries: pg_stat_statements'],
  ['auto_explain.log_min_duration: 1s, session_preload_libraries: auto_explain'],
  ['cron.database_name: app', undefined, '  extensions: [pg_cron]\n'],
  ['cron.database_name: app', /nothing loads pg_cron/],
  ['hnsw.ef_search: 100', undefined, '  extensions: [vector]\n'],
  ['pg_trgm.similarity_threshold: 0.4, plpgsql.extra_warnings: all'],
  ['pg_stat_statement.max: 5000', /neither postgres\.extensions .*\(did you mean "pg_stat_statements"\?\)/],
  ['app.tenant: acme', /app\.tenant is taken as it is/],
  ['foo.bar: 1', undefined, '  extensions: [{name: foo, packages: [foo]}]\n'],
];

for (const [parameters, warns, more, version] of TAKEN)
  test(`taken${warns ? ', with a warning' : ''}: ${parameters}${more ? ` (${more.trim()})` : ''}`, () => {
    const { refused, says } = said(inventory(parameters, more, version));
    assert.ok(!refused, says);
    if (warns) assert.match(says, warns);
    else assert.equal(says, '');
  });

test('with replication: async a commit may be as quick as it likes', () => {
  const text = inventory('synchronous_commit: off').replace('hosts:', 'replication: async\nhosts:');
  assert.deepEqual(said(text), { refused: false, says: '' });
  assert.match(said(text.replace('async', 'quorum')).says, /with replication: quorum/);
});

test('too few senders and slots for the members and standby clusters there are', () => {
  const many = Array.from({ length: 6 }, (_, index) => `  m${index}: {address: 10.0.0.1${index}, roles: [patroni]}\n`);
  const text = `${inventory('max_wal_senders: 7, max_replication_slots: 7')}${many.join('')}`;
  assert.match(
    said(text).says,
    /max_wal_senders is 7: too few for 8 standbys[\s\S]*max_replication_slots is 7: too few/,
  );
  const standbys = inventory('max_replication_slots: 4').replace(
    'hosts:',
    'standbys: {a: [10.9.0.0/24], b: [10.9.0.0/24], c: [10.9.0.0/24]}\nhosts:',
  );
  assert.match(said(standbys).says, /max_replication_slots is 4: too few for 2 standbys and 3 standby clusters/);
});

test('what -e sets is judged alike, a name with a dot too', () => {
  const load = (override: string) =>
    parseInventory(inventory('', '  extensions: [pg_stat_statements]\n'), 'i.yaml', [override]);
  const { cluster } = load('postgres.parameters.pg_stat_statements.max=5000');
  assert.deepEqual(cluster.settings.postgres.parameters, { 'pg_stat_statements.max': 5000 });
  assert.throws(() => load('postgres.parameters.max_connections=20'), /Patroni takes no less than 25/);
  assert.throws(() => load('postgres.parameters={shared_bufers: 1GB}'), /did you mean "shared_buffers"/);
});

test('every wrong setting of an inventory is told at once', () => {
  const { says } = said(inventory('shared_bufers: 1GB, max_connections: abc, ssl: off, work_mem: 5mb'));
  assert.equal(says.match(/: error: /g)!.length, 4, says);
});

test('a key __proto__ is refused with its place, although JavaScript passes over it', () => {
  const text = inventory('').replace('parameters: {}', 'parameters:\n    __proto__: false');
  assert.throws(
    () => parseInventory(text, 'i.yaml'),
    /^BadInventory: i\.yaml:\d+:\d+: error: there is no key "__proto__"/,
  );
});

test('whatever is written as a setting, it is taken, or refused with its place; what is taken PostgreSQL understands', () => {
  const name = fc.oneof(
    fc.constantFrom(...settingNames(17)),
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.$]{0,20}$/),
    fc.string(),
  );
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constantFrom('8MB', '1h', 'on', '0x1'),
  );
  fc.assert(
    fc.property(fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 }), (parameters) => {
      const text = inventory('').replace(
        'parameters: {}',
        `parameters:\n${stringify(parameters).replaceAll(/^/gm, '    ')}`,
      );
      try {
        parseInventory(text, 'i.yaml');
      } catch (cause) {
        assert.ok(cause instanceof UsageError, String((cause as Error).stack));
        return assert.match(cause.message, /^i\.yaml:\d+:\d+: error: /);
      }
      for (const [one, said] of Object.entries(parameters)) {
        const setting = settingOf(17, one);
        assert.ok(setting || one.includes('.'), one);
        if (setting) assert.ok(parseValue(setting, String(said)).ok, `${one} ${said}`);
      }
    }),
    { numRuns: 600 },
  );
});
