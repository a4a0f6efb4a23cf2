import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { explainPatroniSetting, namedSetting } from '../../src/cluster/patroni-settings.ts';
import { type ExplainedSetting, explainSetting } from '../../src/cluster/setting-origin.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { type LiveSetting, readSetting, settingScript } from '../../src/observe/setting.ts';
import { showSetting } from '../../src/view/setting.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { healthyHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { labCluster } from './model.ts';
import { MAJOR, PrivateServer } from './private-server.ts';

const MINIMAL = `cluster: pglab
clients: [10.1.1.0/24]
rto: fast
postgres:
  parameters:
    work_mem: 8MB
hosts:
  db1: {address: 10.1.1.10, roles: [etcd, patroni]}
  db2:
    address: 10.1.1.11
    roles: [etcd, patroni]
    postgres:
      parameters: {work_mem: 16MB}
  db3: {address: 10.1.1.12, roles: [etcd, patroni]}
`;
const { cluster, placeOf } = parseInventory(MINIMAL, 'cluster.yaml');
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;

const WORK_MEM: LiveSetting = {
  value: '8192',
  type: 'integer',
  unit: 'kB',
  context: 'user',
  source: 'configuration file',
  place: '/var/lib/postgresql/17/pglab/postgresql.conf:20',
  pendingRestart: false,
  boot: '4096',
  inFiles: '8MB',
  sessions: [],
};
const explained = (
  name: string,
  live: Partial<LiveSetting>,
  {
    on = 'db1',
    parameters = {},
    dynamic = {},
  }: { on?: string; parameters?: Record<string, string | number>; dynamic?: Record<string, unknown> } = {},
): ExplainedSetting =>
  explainSetting(
    cluster,
    host(on),
    name,
    { live: { ...WORK_MEM, ...live }, silent: undefined, dynamic },
    { parameters, placeOf },
  );

describe('the origin of a setting', () => {
  test('is the line of the inventory that all members or one of them have', () => {
    const all = explained('work_mem', {}, { parameters: { work_mem: '8MB' } });
    assert.deepEqual([all.value, all.source, all.place], ['8MB', 'inventory', 'cluster.yaml:6']);
    const one = explained('work_mem', { value: '16384' }, { on: 'db2', parameters: { work_mem: '16MB' } });
    assert.deepEqual([one.value, one.source, one.place], ['16MB', 'inventory_host', 'cluster.yaml:13']);
  });

  test('is the memory of the host, or hapg, where the inventory does not say it', () => {
    const sized = explained('maintenance_work_mem', {}, { parameters: { maintenance_work_mem: '8MB' } });
    assert.deepEqual([sized.source, sized.differs], ['computed', false]);
    const fixed = explained('max_wal_size', { unit: 'MB', value: '4096' }, { parameters: { max_wal_size: '4GB' } });
    assert.deepEqual([fixed.value, fixed.source], ['4GB', 'hapg']);
  });

  test('is the default, the DCS, ALTER SYSTEM, a file or Patroni where hapg has not set it', () => {
    const source = (name: string, live: Partial<LiveSetting>, dynamic = {}) =>
      explained(name, { value: '1024', unit: '8kB', ...live }, { dynamic }).source;
    assert.equal(source('temp_buffers', { source: 'default', place: undefined }), 'default');
    assert.equal(source('temp_buffers', {}, { postgresql: { parameters: { temp_buffers: '8MB' } } }), 'dcs');
    assert.equal(source('temp_buffers', { place: '/data/postgresql.auto.conf:3' }), 'alter_system');
    assert.equal(source('temp_buffers', {}), 'file');
    assert.equal(source('port', { source: 'command line', unit: undefined as never }), 'patroni');
    assert.equal(source('data_checksums', { source: 'override', place: undefined }), 'postgresql');
    assert.equal(source('temp_buffers', { source: 'user', place: undefined }), 'session');
  });

  test('is told with what apply would set, where that is something else', () => {
    const changed = explained(
      'work_mem',
      { place: '/data/postgresql.auto.conf:3' },
      { parameters: { work_mem: '4MB' } },
    );
    assert.deepEqual([changed.source, changed.declared, changed.differs], ['alter_system', '4MB', true]);
  });

  test('is not said to differ for a recovery setting, which a leader does not have', () => {
    const its = explained(
      'restore_command',
      { source: 'default', place: undefined, value: '', type: 'string', unit: undefined as never },
      { parameters: { restore_command: 'restore %f' } },
    );
    assert.deepEqual([its.source, its.differs], ['default', false]);
  });

  test('waits for a reload, or for a restart where the server takes it only at its start', () => {
    assert.equal(explained('work_mem', { inFiles: '8192kB' }).pending, null);
    assert.equal(explained('work_mem', { inFiles: '32MB' }).pending, 'reload');
    assert.equal(explained('work_mem', { inFiles: undefined }).pending, 'reload');
    assert.equal(explained('shared_buffers', { inFiles: '32MB', context: 'postmaster' }).pending, 'restart');
    assert.equal(explained('shared_buffers', { pendingRestart: true, context: 'postmaster' }).pending, 'restart');
    assert.equal(explained('work_mem', { source: 'default', inFiles: undefined, place: undefined }).pending, null);
  });

  test('is unknown while PostgreSQL is silent, with what the inventory says', () => {
    const answer = { live: undefined, silent: 'no answer in time', dynamic: undefined };
    const its = explainSetting(cluster, host('db1'), 'work_mem', answer, { parameters: { work_mem: '8MB' }, placeOf });
    assert.deepEqual([its.value, its.source, its.declared, its.place], [null, 'unknown', '8MB', 'cluster.yaml:6']);
    assert.equal(its.silent, 'no answer in time');
  });
});

describe("a setting of Patroni's", () => {
  test('comes from the inventory, by its own name or by rto, or from hapg', () => {
    const explain = (name: string, value: unknown) =>
      explainPatroniSetting(name, { [name]: value }, { [name]: value }, placeOf);
    assert.deepEqual([explain('ttl', 20).source, explain('ttl', 20).place], ['inventory', 'cluster.yaml:3']);
    assert.equal(explain('synchronous_mode', true).source, 'hapg');
    assert.equal(explain('loop_wait', 5).unit, 's');
  });

  test('changed beside hapg comes from the DCS, and one that the DCS lacks is the default', () => {
    const changed = explainPatroniSetting('ttl', { ttl: 99 }, { ttl: 20 }, placeOf);
    assert.deepEqual([changed.value, changed.source, changed.differs], ['99', 'dcs', true]);
    const absent = explainPatroniSetting('check_timeline', {}, {}, placeOf);
    assert.deepEqual([absent.value, absent.source, absent.differs], ['false', 'default', false]);
    assert.equal(explainPatroniSetting('ttl', undefined, { ttl: 20 }, placeOf).source, 'unknown');
  });
});

test('a name is one of PostgreSQL, of an extension or of Patroni, with or without its section', () => {
  const known = (name: string) => name === 'work_mem';
  assert.deepEqual(namedSetting('Work_Mem', known), { of: 'postgresql', name: 'work_mem' });
  assert.deepEqual(namedSetting('postgres.parameters.work_mem', known), { of: 'postgresql', name: 'work_mem' });
  assert.deepEqual(namedSetting('pg_stat_statements.max', known), { of: 'postgresql', name: 'pg_stat_statements.max' });
  assert.deepEqual(namedSetting('ttl', known), { of: 'patroni', name: 'ttl' });
  assert.deepEqual(namedSetting('patroni.loop_wait', known), { of: 'patroni', name: 'loop_wait' });
  for (const name of ['patroni.work_mem', 'worx', 'hosts.db1.x']) assert.equal(namedSetting(name, known), undefined);
});

describe('a server', { skip: MAJOR === undefined ? 'no PostgreSQL server here, or not root' : false }, () => {
  let server: PrivateServer;
  before(() => {
    server = new PrivateServer();
  });
  after(() => server?.stop());
  const asked = (name: string) => {
    const its = { ...labCluster(), binDir: server.binDir };
    const there = { ...its, settings: { ...its.settings, postgres: { ...its.settings.postgres, port: server.port } } };
    return readSetting(server.sh(settingScript(there, its.hosts[0]!, name).replaceAll('sleep', ':')));
  };

  test('tells a setting with its values in files, and those of roles and databases', () => {
    server.sql("alter system set work_mem = '6MB'");
    server.sql('create role app; alter role app set work_mem = 7000');
    server.sql("alter role app in database postgres set work_mem = '9MB'");
    const { live } = asked('work_mem');
    assert.deepEqual([live?.value, live?.boot, live?.inFiles, live?.source], ['4096', '4096', '6MB', 'default']);
    assert.deepEqual(live?.sessions, [
      { role: 'app', database: 'postgres', value: '9MB' },
      { role: 'app', database: null, value: '7000' },
    ]);
    server.sql('select pg_reload_conf()');
  });

  test('tells what a TCP connection gets, although it is asked over a socket without one', () => {
    server.sql('alter system set tcp_keepalives_idle = 30');
    server.sql('select pg_reload_conf()');
    while (asked('tcp_keepalives_idle').live?.source === 'default');
    assert.equal(asked('tcp_keepalives_idle').live?.value, '30');
  });

  test('has no value of a name that it does not know', () => {
    assert.deepEqual(asked('no.such'), { live: undefined, silent: undefined, dynamic: undefined });
  });
});

const answer = (live: object | null) =>
  `{"ttl":20}\n${JSON.stringify({ live, inFiles: '8MB', sessions: [{ role: 'app', database: null, value: '64MB' }] })}\n\ncode 0`;
const LIVE = { ...WORK_MEM, inFiles: undefined, sessions: undefined };

describe('hapg config explain', () => {
  const hosts = Object.fromEntries(
    Object.entries(healthyHosts()).map(([name, fake]) => [
      name,
      { ...fake, answers: { pg_file_settings: answer(name === 'db3' ? { ...LIVE, value: '4096' } : LIVE) } },
    ]),
  );

  test('tells the value of every database host, or of one', async (context) => {
    const { inventory } = await setUp(context, { hosts });
    const { code, out } = await inProcess(['config', 'explain', 'work_mem', '-i', inventory, '-o', 'json']);
    const document = JSON.parse(out) as { name: string; hosts: Record<string, ExplainedSetting> };
    assert.equal(code, 0);
    assert.deepEqual(Object.keys(document.hosts), ['db1', 'db2', 'db3']);
    assert.deepEqual([document.name, document.hosts.db1!.value, document.hosts.db3!.value], ['work_mem', '8MB', '4MB']);
    assert.equal(document.hosts.db3!.pending, 'reload');
    const one = await inProcess(['config', 'explain', 'work_mem', '-i', inventory, '--host', 'db2']);
    assert.match(one.out, /^db2 +8MB /m);
    assert.doesNotMatch(one.out, /^db1/m);
    assert.match(one.out, /^role app: 64MB in its sessions$/m);
    const patroni = await inProcess(['config', 'explain', 'patroni.ttl', '-i', inventory]);
    assert.match(patroni.out, /^db1 +20 +/m);
  });

  test('answers a wrong name with the nearest one, before any host is asked', async (context) => {
    const { inventory, scripts } = await setUp(context, { hosts });
    const near = await inProcess(['config', 'explain', 'work_men', '-i', inventory]);
    assert.deepEqual([near.code, scripts.length], [5, 0]);
    assert.match(near.err, /did you mean "work_mem"/);
    assert.match((await inProcess(['config', 'explain', 'patroni.tll', '-i', inventory])).err, /did you mean "ttl"/);
    assert.match((await inProcess(['config', 'explain', 'loopwait', '-i', inventory])).err, /"patroni.loop_wait"/);
    assert.match(
      (await inProcess(['config', 'explain', 'work_mem', '-i', inventory, '--host', 'proxy1'])).err,
      /proxy1/,
    );
  });
});

test('the text says what it waits for and what apply would change', () => {
  const its = explained('work_mem', { inFiles: '32MB' }, { parameters: { work_mem: '4MB' } });
  const text = showSetting({ name: 'work_mem', of: 'postgresql', hosts: { db1: its } });
  assert.match(text, /waits for a reload/);
  assert.match(text, /^hapg apply sets 4MB on db1$/m);
});
