import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { haproxy } from '../../roles/haproxy/haproxy.ts';
import { rulesFor } from '../../roles/index.ts';
import { hbaLines } from '../../roles/patroni/hba.ts';
import { pgbouncer } from '../../roles/pgbouncer/pgbouncer.ts';
import { clientUri } from '../../src/cluster/connect.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { DEFAULT_LIMITS, steady } from '../../src/decisions/update.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { SHOW_STATE } from '../../src/programs/haproxy.ts';
import { render } from '../../src/render.ts';
import { Secret } from '../../src/secret.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { contextFor, healthyLab, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const text = readFileSync('inventory/pgbouncer.yaml', 'utf8');
const { cluster } = parseInventory(text, 'inventory/pgbouncer.yaml');
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
const pooledLab = labCluster(
  ['db1:    {', 'db1:    {'],
  ...(['db1', 'db2', 'db3'] as const).map((): [string, string] => ['[etcd, patroni]', '[etcd, patroni, pgbouncer]']),
);

test('clients are pointed to the pools', () => {
  assert.match(clientUri(cluster, 'primary')!, /@10\.1\.4\.10:6432,10\.1\.4\.11:6432,10\.1\.4\.12:6432\/app/);
});

test('PostgreSQL lets in members and their pools, and the pools by certificate', () => {
  const lines = hbaLines(cluster);
  assert.ok(lines.includes('hostssl all pgbouncer 10.1.4.10/32 cert'));
  assert.ok(lines.includes('hostssl all all 10.1.4.10/32 scram-sha-256'));
  assert.ok(!lines.some((line) => line.includes('10.1.4.0/24')), 'no client gets past the pool');
});

test('the firewall lets clients to the pools and not to PostgreSQL', () => {
  const rules = rulesFor(host('pg1'), cluster, [22]);
  const from = (port: number) => rules.filter((rule) => rule.port === port).map((rule) => rule.from);
  assert.deepEqual(from(6432), ['10.1.4.0/24', '10.1.4.13']);
  assert.deepEqual(from(5432), ['10.1.4.11', '10.1.4.12']);
});

test('balancers send to the pools, and go on asking Patroni', async () => {
  const steps = haproxy(pooledLab.hosts.find((one) => one.name === 'proxy1')!, await contextFor(pooledLab));
  const config = steps.map((one) => one.want as FileWant).find((want) => want.path === '/etc/haproxy/haproxy.cfg')!;
  const written = config.content instanceof Secret ? config.content.reveal() : String(config.content);
  assert.match(written, /server db1 10\.1\.1\.10:6432 check addr 10\.1\.1\.10 port 8008/);
});

test("a pool's file names no user and no password", async () => {
  const steps = pgbouncer(host('pg1'), await contextFor(cluster));
  const config = steps.map((one) => one.want as FileWant).find((want) => want.path?.endsWith('pgbouncer.ini'))!;
  assert.match(String(config.content), /^auth_file =$/m);
  assert.match(String(config.content), /^client_tls_sslmode = require$/m);
  assert.match(String(config.content), /^server_tls_sslmode = verify-full$/m);
});

test('parameters that clients send are passed over where the inventory says so', async () => {
  const content = async (from: string, to: string) => {
    const { cluster: one } = parseInventory(text.replace(from, to), 'pgbouncer.yaml');
    const steps = pgbouncer(one.hosts.find(({ roles }) => roles.has('pgbouncer'))!, await contextFor(one));
    const wants = steps.map((step) => step.want as FileWant);
    return String(wants.find((want) => want.path?.endsWith('pgbouncer.ini'))!.content);
  };
  assert.match(await content('', ''), /^ignore_startup_parameters = extra_float_digits$/m);
  assert.match(
    await content('pgbouncer: {', 'pgbouncer: {ignore_startup_parameters: [options, search_path], '),
    /^ignore_startup_parameters = extra_float_digits, options, search_path$/m,
  );
});

for (const [what, from, to, message] of [
  [
    'on some database hosts only',
    'roles: [etcd, patroni, pgbouncer]}\n  pg2',
    'roles: [etcd, patroni]}\n  pg2',
    /pg1 has not/,
  ],
  ['without a database', '[pgbackrest, client]', '[pgbackrest, pgbouncer]', /no database to pool/],
  ['on the port of PostgreSQL', 'pgbouncer: {', 'pgbouncer: {port: 5432, ', /port 5432 of PgBouncer collides/],
] as const)
  test(`a pool ${what} is refused`, () => {
    assert.throws(() => parseInventory(text.replace(from, to), 'pgbouncer.yaml'), message);
  });

test('a pool that takes no connections stops a roll-out, and status tells it', () => {
  const closed = new Map(
    [...healthyLab()].map(([name, one]) => [name, name === 'db2' ? { ...one, pool: { said: false } } : one]),
  );
  const verdict = steady(pooledLab, takeSnapshot(closed), DEFAULT_LIMITS);
  assert.match(verdict.ok ? '' : verdict.reasons.join(), /PgBouncer on db2 takes no connections/);
});

test('a reload of HAProxy takes the place of each server from its configuration, its state from before', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-haproxy-'));
  try {
    const steps = haproxy(pooledLab.hosts.find((one) => one.name === 'proxy1')!, await contextFor(pooledLab));
    const down = steps.map((one) => one.want as FileWant).find((want) => want.path?.endsWith('servers-down.state'))!;
    writeFileSync(join(directory, 'servers-down.state'), String(down.content));
    const live = String(down.content)
      .split('\n')
      .filter((line) => !line.includes(' db3 '))
      .join('\n')
      .replaceAll(' 0 0 1 1 0 8 2 0 6 ', ' 2 0 1 1 77 6 3 7 6 ')
      .replaceAll(' - 6432 - ', ' - 5432 - ');
    writeFileSync(join(directory, 'live'), live);
    const script = render('haproxy/keep-state.sh', { showState: SHOW_STATE }).replaceAll(
      /\/var\/lib\/haproxy|\/etc\/haproxy/g,
      directory,
    );
    const run = (socat: string) => sh(script, { path: programs({ socat }) });
    for (const silence of ['exit 1', `head -n 5 ${directory}/live; exit 1`, ':']) {
      assert.notEqual(run(silence).code, 0);
      assert.ok(!existsSync(join(directory, 'server-state')), 'a state that is not whole is not kept');
    }
    const ran = run(`cat ${directory}/live`);
    assert.equal(ran.code, 0, ran.out);
    const kept = readFileSync(join(directory, 'server-state'), 'utf8');
    assert.match(kept, /^1\n# be_id/);
    assert.match(kept, /^0 primary 1 db1 10\.1\.1\.10 2 0 1 1 77 6 3 7 6 0 0 0 - 6432 /m);
    assert.match(kept, /^0 primary 3 db3 10\.1\.1\.12 0 0 .* 6432 /m, 'a new server starts down');
    assert.doesNotMatch(kept, / 5432 /);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
