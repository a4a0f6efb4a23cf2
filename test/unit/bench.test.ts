import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mayBench, readBenchFlags } from '../../src/commands/bench.ts';
import {
  type BenchFigures,
  benchScript,
  collectBench,
  describeProgress,
  readBench,
  removeBench,
} from '../../src/programs/pgbench.ts';
import { SOCKET_DIR } from '../../src/programs/postgres.ts';
import { showBench } from '../../src/view/bench.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { healthyHosts, hostsWithBackup } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { labCluster } from './model.ts';
import { MAJOR, PrivateServer } from './private-server.ts';

const ANSWER = `transaction type: transaction.sql
number of transactions actually processed: 4321
number of failed transactions: 2 (0.046%)
latency average = 6.912 ms
latency stddev = 3.101 ms
initial connection time = 12.345 ms
tps = 1446.123456 (without initial connection time)
--
6000
12500
20100
`;

test("pgbench's answer is read with its percentiles in milliseconds", () => {
  const figures: BenchFigures = {
    ...{ transactions: 4321, failed_transactions: 2, tps: 1446.123456 },
    latency_ms: { average: 6.912, stddev: 3.101, p50: 6, p95: 12.5, p99: 20.1 },
  };
  assert.deepEqual(readBench(ANSWER), figures);
  assert.match(showBench(figures), /^1446\.1 transactions a second \(4321 in all, 2 failed\)$/m);
  assert.match(showBench(figures), /99 % within 20\.1 ms/);
  const few = readBench(ANSWER.replace(/--[\s\S]*/, '--\n').replace(/^number of failed.*\n/m, ''));
  assert.deepEqual([few.failed_transactions, few.latency_ms.p99], [0, null]);
  assert.throws(() => readBench('pgbench: error'), /not understood/);
});

test('its progress is told in words', () => {
  assert.equal(
    describeProgress('progress: 2.0 s, 1234.5 tps, lat 0.8 ms stddev 0.4, 0 failed\n'),
    '2.0 s, 1234.5 tps, latency 0.8 ms stddev 0.4, 0 failed',
  );
  assert.equal(describeProgress(' '), undefined);
});

describe('a load', () => {
  test('is refused where it would take more than half of the connections, and in a standby cluster', () => {
    const cluster = labCluster();
    assert.equal(mayBench(cluster, { clients: 10 }).ok, true);
    const many = mayBench(cluster, { clients: 900 });
    assert.match(many.ok ? '' : many.reasons.join(), /more than half of max_connections/);
    assert.equal(mayBench({ ...cluster, upstream: cluster }, { clients: 1 }).ok, false);
  });

  test('has whole numbers and a length of time', () => {
    const flags = { clients: '10', time: '1m', scale: '5' };
    assert.deepEqual(readBenchFlags(flags), { clients: 10, seconds: 60, scale: 5 });
    for (const wrong of [{ clients: '0' }, { time: '60' }, { time: '2h' }, { scale: '500' }, { scale: 'x' }])
      assert.throws(() => readBenchFlags({ ...flags, ...wrong }), /--(clients|time|scale)/);
  });
});

describe('pgbench on a real server', {
  skip: MAJOR === undefined ? 'no PostgreSQL server here, or not root' : false,
}, () => {
  let server: PrivateServer;
  const root = mkdtempSync(join(tmpdir(), 'hapg-bench-'));
  before(() => {
    server = new PrivateServer();
  });
  after(() => {
    server?.stop();
    rmSync(root, { recursive: true, force: true });
  });
  const schemas = () => server.sql("select count(*) from pg_namespace where nspname = 'hapg_bench'").trim();

  test('measures, and its tables and files are gone afterwards', () => {
    const place = {
      ...{ directory: join(root, 'run'), binDir: server.binDir, passwords: '/dev/null' },
      uri: `postgresql://postgres@/postgres?host=${SOCKET_DIR}&port=${server.port}`,
    };
    server.sh(benchScript({ clients: 2, seconds: 2, scale: 1 }, place));
    assert.equal(schemas(), '1');
    const figures = readBench(server.sh(collectBench(place)));
    assert.ok(figures.transactions > 0 && figures.tps > 0, JSON.stringify(figures));
    const { average, stddev, p50, p99 } = figures.latency_ms;
    assert.ok(average! > 0 && stddev !== null && p50! > 0 && p99! >= p50!, JSON.stringify(figures));
    assert.ok(!existsSync(place.directory));
    server.sh(removeBench(server, 'postgres'));
    assert.equal(schemas(), '0');
    server.sh(removeBench(server, 'postgres'));
  });
});

describe('hapg bench', () => {
  const hosts = () => {
    const all = healthyHosts();
    all.backup!.sections = { ...all.backup!.sections, ...hostsWithBackup().backup!.sections };
    all.client = { answers: { 'command -v pgbench': 'yes\n', 'cat shares': ANSWER } };
    return all;
  };

  test('runs pgbench on a client and readies the removal of its tables on every database host', async (context) => {
    const { inventory, scripts } = await setUp(context, { hosts: hosts(), stored: true });
    const { out, err } = await inProcess(['bench', '-i', inventory, '--yes', '-o', 'json']);
    const document = JSON.parse(out) as Record<string, unknown>;
    assert.equal(document.tps, 1446.123456, `${out}${err}`);
    assert.deepEqual([document.from, document.clients, document.hosts], ['client', 10, ['client']]);
    const armed = scripts.filter(({ script }) => /hapg-undo-bench/.test(script) && /drop schema/.test(script));
    assert.deepEqual([...new Set(armed.map(({ host }) => host))].sort(), ['db1', 'db2', 'db3']);
    const start = scripts.findIndex(({ script }) => script.includes('--unit=hapg-bench'));
    assert.ok(start > scripts.lastIndexOf(armed.at(-1)!), 'the removal is ready before the load begins');
    const undone = scripts.slice(start).filter(({ script }) => /then sh \S+undo\/bench\/undo\.sh/.test(script));
    assert.deepEqual([...new Set(undone.map(({ host }) => host))].sort(), ['db1', 'db2', 'db3']);
  });

  test('refuses a cluster that is not whole', async (context) => {
    const broken = hosts();
    broken.db3!.sections!.patroni = '';
    broken.db3!.sections!.dataDirectory = 'cluster\n.';
    broken.db1!.sections!.patroni = broken.db1!.sections!.patroni!.replace(/"streaming"/g, '"stopped"');
    broken.db2!.sections!.patroni = broken.db2!.sections!.patroni!.replace(/"streaming"/g, '"stopped"');
    const { inventory, scripts } = await setUp(context, { hosts: broken, stored: true });
    const { code } = await inProcess(['bench', '-i', inventory, '--yes']);
    assert.equal(code, 1);
    assert.ok(!scripts.some(({ script }) => script.includes('pgbench')));
  });
});
