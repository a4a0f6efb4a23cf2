import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { said } from '../../src/observe/answer.ts';
import { figures } from '../../src/observe/figures.ts';
import { observeSections } from '../../src/observe/index.ts';
import { EVERYTHING } from '../../src/observe/question.ts';
import { withFigures } from '../../src/status/figures-status.ts';
import { statusOf } from '../../src/status/status.ts';
import { showStatus } from '../../src/view/status.ts';
import { plain } from '../../src/view/style.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { healthyHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { healthyLab, its, labCluster } from './model.ts';
import { MAJOR, PrivateServer } from './private-server.ts';
import { sh } from './sh.ts';

const cluster = labCluster();
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
const IDENTITY = {
  ...{ cluster: 'pglab', uuid: 'u1', generation: 4 },
  authorities: { etcd: 'a', patroni: 'b', postgres: 'c', pgbackrest: 'd' },
};
type Lab = ReturnType<typeof healthyLab>;
const status = (change: (all: Lab) => void = () => undefined, of = cluster) => {
  const all = healthyLab();
  change(all);
  return statusOf(of, takeSnapshot(all), new Map(), IDENTITY, Date.parse('2026-01-01T00:00:00Z'));
};

describe('the figures of status', () => {
  test('are versions, room, connections, sizes, slots and where clients connect', () => {
    const { members, dcs, databases, slots, endpoints } = status();
    assert.deepEqual(members[0]!.versions, { postgresql: '17.6', patroni: '4.0.7' });
    assert.deepEqual(members[0]!.connections, { used: 12, max: 200 });
    assert.equal(members[1]!.storage[0]!.free_bytes, 2e10);
    assert.deepEqual([dcs.members[0]!.name, dcs.members[0]!.version], ['db1', '3.5.16']);
    assert.deepEqual(databases, [{ name: 'app', bytes: 1e9 }]);
    assert.deepEqual(slots?.[1], { name: 'db3', type: 'physical', active: true, kept_bytes: 0 });
    assert.deepEqual(endpoints, { write: ['10.1.1.100:5000'], read: ['10.1.1.100:5001'] });
  });

  test('say how commits are kept and by whom', () => {
    assert.deepEqual(status().replication, { mode: 'sync', strict: false, standbys: 1, synchronous: ['db2'] });
    const apart = status(undefined, { ...cluster, replication: 'async' }).replication;
    assert.deepEqual([apart.mode, apart.standbys], ['async', 0]);
  });

  test("have the last change of leader from the longest of the members' histories", () => {
    const last = { at: '2025-12-31T12:00:00+00:00', from: 'db2', to: 'db1', timeline: 3 };
    const { reason, ...rest } = status((all) => {
      its(all.get('db1')!.figures).history = '[[1, 100, "no recovery target specified"]]';
    }).last_change!;
    assert.deepEqual(rest, last);
    assert.match(reason, /no recovery target/);
    const none = status((all) => {
      for (const name of ['db1', 'db2', 'db3']) its(all.get(name)!.figures).history = '[]';
    });
    assert.equal(none.last_change, null);
  });

  test('are null where they are not known, and that is no problem', () => {
    const silent = status((all) => {
      for (const one of all.values()) one.figures = one.figures && { silent: 'it was not asked' };
    });
    assert.deepEqual([silent.databases, silent.slots, silent.members[0]!.connections], [null, null, null]);
    assert.deepEqual(silent.problems, status().problems);
    assert.match(showStatus(silent, 1), /replication/);
  });

  test('list the members of the DCS by name, whatever order it has', () => {
    const turned = status((all) => its(all.get('db1')!.dcs).members!.reverse());
    assert.deepEqual(
      turned.dcs.members.map(({ name }) => name),
      ['db1', 'db2', 'db3'],
    );
  });

  test('are asked by status alone: no verdict waits for the size of a database', () => {
    assert.ok(!observeSections(cluster, host('db1')).has('figures'));
    assert.ok(observeSections(cluster, host('db1'), [...EVERYTHING, 'figures']).has('figures'));
    assert.ok(!observeSections(cluster, host('proxy1'), [...EVERYTHING, 'figures']).has('figures'));
  });
});

test('a look without figures keeps those of the look before, and nothing else', () => {
  const unasked = status((all) => {
    for (const one of all.values()) one.figures = one.figures && { silent: 'it was not asked' };
    its(all.get('db1')!.patroni).members![2]!.state = 'stopped';
  });
  const kept = withFigures(unasked, status());
  assert.deepEqual(
    [kept.databases, kept.slots, kept.last_change],
    [status().databases, status().slots, status().last_change],
  );
  assert.deepEqual(kept.members[0], status().members[0]);
  assert.equal(kept.members.length, 3);
  assert.deepEqual(kept.problems, unasked.problems);
});

describe('the screen of status', () => {
  const lines = (verbosity = 0) => plain(showStatus(status(), verbosity)).split('\n');

  test('of the lab fits a terminal of 80 columns and 24 lines', () => {
    assert.ok(lines().length <= 23, String(lines().length));
    assert.deepEqual(
      lines().filter((line) => line.length > 80),
      [],
    );
  });

  test('explains its star, and has a line for each figure', () => {
    const text = lines().join('\n');
    assert.match(text, /db1\* db2 db3 {2}\(\* leads\)/);
    assert.match(text, /^replication +sync: commits wait for 1 of db2$/m);
    assert.match(text, /^clients +write 10\.1\.1\.100:5000, read 10\.1\.1\.100:5001$/m);
    assert.match(text, /^databases +953\.7 MiB in 1, 12 of 200 connections$/m);
    assert.match(text, /^disk +9\.3 GiB of 46\.6 GiB free on db1/m);
    assert.match(text, /^last change +2025-12-31 12:00 UTC, db2 → db1$/m);
    assert.match(text, /^versions +PostgreSQL 17\.6, Patroni 4\.0\.7, etcd 3\.5\.16$/m);
  });

  test('names the hosts of a version where there are several', () => {
    const mixed = status((all) => {
      const { server } = its(all.get('db3')!.figures);
      its(server).version = '17.5';
    });
    assert.match(plain(showStatus(mixed)), /PostgreSQL 17\.6 \(db1 db2\), 17\.5 \(db3\)/);
  });

  test('has each member, database and slot with -v', () => {
    const text = lines(1).join('\n');
    assert.match(text, /^db2 +17\.6 +4\.0\.7 +3\.5\.16 +12 of 200 +18\.6 GiB in \/var\/lib\/postgresql/m);
    assert.match(text, /^app +953\.7 MiB$/m);
    assert.match(text, /^db3 +physical +yes +0 B$/m);
  });
});

test('hapg status asks for the figures, and shows what hosts do not tell as unknown', async (context) => {
  const hosts = healthyHosts();
  hosts.db1!.sections!.figures = [
    '[[2, 200, "x", "2025-12-31T12:00:00+00:00", "db1"]]',
    '{"version":"17.6","connections":{"used":3,"max":100},"databases":[{"name":"app","bytes":1024}],"slots":[]}',
    'code 0',
    '--',
    'room /var/lib/postgresql/17/pglab\nFilesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 1000 400 600 40% /\n.',
  ].join('\n');
  const { inventory } = await setUp(context, { hosts, stored: true });
  const { out } = await inProcess(['status', '-i', inventory, '-o', 'json']);
  const document = JSON.parse(out) as ReturnType<typeof status>;
  assert.deepEqual(document.members[0]!.connections, { used: 3, max: 100 });
  assert.deepEqual(document.members[0]!.storage, [
    { path: '/var/lib/postgresql/17/pglab', size_bytes: 1_024_000, free_bytes: 614_400 },
  ]);
  assert.equal(document.members[1]!.connections, null);
  assert.equal(document.last_change!.to, 'db1');
});

describe('a server', { skip: MAJOR === undefined ? 'no PostgreSQL server here, or not root' : false }, () => {
  let server: PrivateServer;
  before(() => {
    server = new PrivateServer();
  });
  after(() => server?.stop());

  test('tells its version, connections, sizes and slots in one answer', () => {
    server.sql("select pg_create_physical_replication_slot('db2')");
    const { settings } = cluster;
    const there = {
      ...{ ...cluster, binDir: server.binDir },
      settings: { ...settings, postgres: { ...settings.postgres, port: server.port } },
    };
    const seen = said(figures.read(server.sh(figures.script(there, host('db1'))), there, host('db1')))!;
    const its = said(seen.server)!;
    assert.match(its.version, new RegExp(`^${MAJOR}\\.`));
    assert.deepEqual(its.connections, { used: 0, max: 20 });
    assert.equal(its.databases![0]!.name, 'postgres');
    assert.ok(its.databases![0]!.bytes > 1e6);
    assert.deepEqual(its.slots, [{ name: 'db2', type: 'physical', active: false, kept: null }]);
  });
});

test('a host without a data directory, PostgreSQL or Patroni has no figures, and that is an answer', () => {
  const answer = said(figures.read(sh(figures.script(cluster, host('db1'))).out, cluster, host('db1')))!;
  assert.deepEqual(answer, { history: '', server: { said: null }, room: { said: [] } });
});
