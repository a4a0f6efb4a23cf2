import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { preferences } from '../../roles/patroni/preferences.ts';
import { clientUri } from '../../src/cluster/connect.ts';
import { spread, voters } from '../../src/inventory/datacenters.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { followsDatacenter } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import { inProcess } from '../support/in-process.ts';
import { FACTS } from './model.ts';

const shipped = readFileSync('inventory/multi-dc.yaml', 'utf8');
const { cluster } = parseInventory(shipped, 'inventory/multi-dc.yaml');
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;

/** Runs `hapg init` into a new directory; what it said and wrote. */
async function init(...words: string[]): Promise<{ code: number; stderr: string; text: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-init-'));
  const file = join(directory, 'made.yaml');
  try {
    const { code, err } = await inProcess(['init', file, ...words]);
    return { code, stderr: err, text: code === 0 ? readFileSync(file, 'utf8') : '' };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('multi-dc.yaml is what hapg init writes', async () => {
  const words = '--lab --datacenters 3 --nodes 2 --prefix pg --postgres 17'.split(' ');
  assert.equal((await init(...words)).text, shipped);
});

test('more database hosts than nine are refused unless they are allowed', async () => {
  const refused = await init('--datacenters', '5', '--nodes', '2');
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /5 data centers with 2 database hosts each are 10, more than 9/);
  assert.equal((await init('--datacenters', '5', '--nodes', '2', '--max-databases', '10')).code, 0);
});

test('half of the databases and one vote, made odd, and never more than there are', () => {
  const expected = { 1: 1, 2: 1, 3: 3, 4: 3, 5: 3, 6: 5, 7: 5, 8: 5, 9: 5, 10: 7 };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((count) => [count, voters(Number(count))])), expected);
});

for (const [centers, nodes] of [
  [3, 1],
  [3, 2],
  [3, 3],
  [4, 2],
  [5, 1],
] as const)
  test(`${centers} data centers with ${nodes} database hosts each: etcd keeps its quorum without any of them`, () => {
    const networks = Array.from({ length: centers }, (_, index) => `10.0.${index}.0/24`);
    const hosts = spread('pg', networks, nodes, false);
    const voting = hosts.filter((host) => host.roles.includes('etcd'));
    assert.equal(voting.length, voters(centers * nodes));
    for (const lost of new Set(hosts.map((host) => host.datacenter))) {
      const left = voting.filter((host) => host.datacenter !== lost).length;
      assert.ok(left > voting.length / 2, `${left} of ${voting.length} votes without ${lost}`);
    }
  });

test('a commit waits for as many standbys as a data center has members, so that one of them is elsewhere', () => {
  assert.equal(cluster.synchronousNodes, 2);
  const asked = parseInventory(shipped.replace('rto:', 'patroni: {synchronous_node_count: 1}\nrto:'), 'x.yaml');
  assert.equal(asked.cluster.synchronousNodes, 1, 'unless the inventory says otherwise');
});

test('without a balancer clients name all members, and libpq finds the one that leads', () => {
  const write = new URL(clientUri(cluster, 'primary')!.replace(/@[^/]+/, '@host'));
  assert.equal(write.searchParams.get('target_session_attrs'), 'primary');
  assert.match(clientUri(cluster, 'primary')!, /@10\.1\.11\.10:5432,10\.1\.11\.11:5432,10\.1\.12\.10:5432/);
  const read = new URL(clientUri(cluster, 'replica')!.replace(/@[^/]+/, '@host'));
  assert.equal(read.searchParams.get('target_session_attrs'), 'standby');
  assert.equal(read.searchParams.get('load_balance_hosts'), 'random');
});

test('from outside they have other names and ports', () => {
  assert.match(clientUri(cluster, 'replica', { outside: true })!, /@127\.0\.0\.1:5021,127\.0\.0\.1:5022,/);
});

test('an older libpq gets no option that it would refuse', () => {
  const old = parseInventory(shipped.replace('version: "17"', 'version: "15"'), 'multi-dc.yaml').cluster;
  assert.doesNotMatch(clientUri(old, 'replica')!, /load_balance_hosts/);
});

test('a database host without a data center among others that have one is refused', () => {
  assert.throws(
    () => parseInventory(shipped.replace('datacenter: c, ', ''), 'multi-dc.yaml'),
    /pg-a1 has a datacenter and pg-c1 has none/,
  );
});

for (const [what, change, follows] of [
  ['several data centers', (text: string) => text, true],
  [
    'preferences by hand',
    (text: string) => text.replace('datacenter: a,', 'datacenter: a, tags: {failover_priority: 3},'),
    false,
  ],
  [
    'a quorum of standbys, where preferences mean nothing',
    (text: string) => text.replace('rto:', 'replication: quorum\nrto:'),
    false,
  ],
  ['one data center', (text: string) => text.replaceAll(/datacenter: [bc]/g, 'datacenter: a'), false],
] as const)
  test(`with ${what} failover ${follows ? 'prefers' : 'does not prefer'} the data center of whoever leads`, () => {
    const made = parseInventory(change(shipped), 'x.yaml').cluster;
    assert.equal(followsDatacenter(made), follows);
    assert.deepEqual(
      preferences(made.hosts[0]!, { cluster: made, facts: () => FACTS }).map((one) => one.id.split(' ')[0]),
      follows ? ['file', 'file', 'file', 'unit'] : ['unit', 'file'],
    );
  });

test('a member looks who leads and tells Patroni once whether that is in its own data center', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-preferences-'));
  const file = join(directory, '20-preferences.yml');
  const script = (preferences(host('pg-a1'), { cluster, facts: () => FACTS })[0]!.want as { content: string }).content;
  /** What is in the file, and how often Patroni was told, after a look at a cluster that `name` leads. */
  const look = (name: string | undefined, role = 'leader', health = 'up') => {
    const members = ['pg-a1', 'pg-a2', 'pg-b1'].map((one) => ({
      name: one,
      role: one === name ? role : 'sync_standby',
      state: 'running',
    }));
    const answer = JSON.stringify({ members, scope: 'pg' }).replaceAll(/([:,])"/g, '$1 "');
    const { stdout, status, stderr } = spawnSync('sh', {
      input: `curl() { case "$*" in */health) [ "${health}" = up ] ;; *) echo '${name === undefined ? '' : answer}' ;; esac; }\nsystemctl() { [ "$1" != reload ] || echo told; }\n${script.replaceAll(PATHS.memberConfig, directory)}`,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return [existsSync(file) ? readFileSync(file, 'utf8').trim() : '', stdout.trim()];
  };
  try {
    assert.deepEqual(look(undefined), ['', ''], 'no answer says nothing');
    assert.deepEqual(look('nobody'), ['', ''], 'nor does a cluster without a leader');
    assert.deepEqual(look('pg-a2'), ['tags: {failover_priority: 2}', 'told']);
    assert.deepEqual(look('pg-a1'), ['tags: {failover_priority: 2}', ''], 'another one of the same data center');
    assert.deepEqual(look('pg-b1', 'leader', 'starting'), ['tags: {failover_priority: 2}', ''], 'PostgreSQL starts');
    assert.deepEqual(look('pg-b1'), ['tags: {failover_priority: 1}', 'told']);
    assert.deepEqual(look(undefined), ['tags: {failover_priority: 1}', ''], 'while nobody is known it stays');
    assert.deepEqual(
      look('pg-a2', 'standby_leader'),
      ['tags: {failover_priority: 2}', 'told'],
      'of a standby cluster too',
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
