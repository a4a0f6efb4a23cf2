import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { addHost, removeHost } from '../../src/inventory/edit.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { readSetup } from '../../src/run/setup.ts';
import { inProcess } from '../support/in-process.ts';
import { OPTIONS } from './store.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-layers-'));
after(() => rmSync(root, { recursive: true, force: true }));

const file = (name: string, text: string): string => {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
};

const base = file(
  'base.yaml',
  `postgres:
  parameters: {work_mem: 8MB, max_connections: 200}
clients: [10.0.0.0/24, 10.0.1.0/24]
ssh: {user: admin}
`,
);
const prod = file(
  'prod.yaml',
  `cluster: prod
postgres:
  parameters: {max_connections: 400}
clients: [10.9.0.0/24]
hosts:
  db1: {address: 10.0.0.1, roles: [etcd, patroni]}
`,
);

test('maps of several files are joined, values and lists of a later one replace those before', () => {
  const { cluster } = loadInventory([base, prod]);
  assert.deepEqual(cluster.settings.postgres.parameters, { work_mem: '8MB', max_connections: 400 });
  assert.deepEqual(cluster.settings.clients, ['10.9.0.0/24']);
  assert.equal(cluster.hosts[0]!.ssh.user, 'admin');
  assert.equal(cluster.file, prod);
  assert.deepEqual(cluster.under, [base]);
});

test('a problem is shown in the file that has it', () => {
  const wrong = file('wrong.yaml', 'postgres: {parameters: {work_mem: lots}}\nclients: [10.0.0.0/24]\n');
  assert.throws(() => loadInventory([wrong, prod]), /wrong\.yaml:1:35: error: work_mem cannot be "lots"/);
  const over = file('over.yaml', `${readFileSync(prod, 'utf8')}prot: 1\n`);
  assert.throws(() => loadInventory([base, over]), /over\.yaml:7:1: error: unknown key "prot"/);
  assert.throws(() => loadInventory([file('list.yaml', '- a\n'), prod]), /list\.yaml:1:1: error: this is a list/);
  assert.throws(() => loadInventory([join(root, 'none.yaml'), prod]), /none\.yaml: cannot read the inventory/);
  assert.throws(
    () => loadInventory([base, prod], ['postgres.parameters.work_mem=lots']),
    /^BadInventory: -e postgres\.parameters\.work_mem=lots: error: /,
  );
});

test('an inventory that is cut into two files anywhere is the same inventory', () => {
  for (const name of readdirSync('inventory').filter((one) => one.endsWith('.yaml') && one !== 'terraform.yaml')) {
    const path = join('inventory', name);
    const whole = parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    if ('standby_of' in whole) continue;
    const keys = Object.keys(whole);
    const expected = loadInventory(path).cluster.settings;
    fc.assert(
      fc.property(fc.subarray(keys), (lower) => {
        const part = (of: (key: string) => boolean) =>
          stringify(Object.fromEntries(Object.entries(whole).filter(([key]) => of(key))));
        const under = file(
          'under.yaml',
          part((key) => lower.includes(key)),
        );
        const own = file(
          'own.yaml',
          part((key) => !lower.includes(key)),
        );
        assert.deepEqual(loadInventory(lower.length > 0 ? [under, own] : own).cluster.settings, expected);
      }),
      { numRuns: 5 },
    );
  }
});

test('of several files the last one is edited; what stands in another is named', () => {
  const setup = readSetup({ ...OPTIONS, inventory: [base, prod] }, (text) =>
    addHost(text, 'app1', { address: '10.0.0.2', roles: ['client'] }),
  );
  assert.match(setup.text, /^ {2}app1: \{address: 10\.0\.0\.2, roles: \[client\]\}$/m);
  assert.doesNotMatch(setup.text, /work_mem/);
  assert.throws(
    () => loadInventory([prod, file('more.yaml', 'rto: fast\n')], [], (text) => removeHost(text, 'db1')),
    /more\.yaml: the inventory has no hosts; of several files only the last one is edited, not .*prod\.yaml$/,
  );
});

test('-i may be given several times, and HAPG_INVENTORY may name several files', async () => {
  const given = await inProcess(['validate', '-i', base, '-i', prod, '-o', 'json']);
  assert.equal(given.code, 0, given.err);
  assert.equal((JSON.parse(given.out) as { cluster: string }).cluster, 'prod');
});

test('an empty file over others changes nothing, and -e reaches what another file has', () => {
  for (const text of ['', '# nothing yet\n']) {
    const empty = file('empty.yaml', text);
    assert.deepEqual(loadInventory([prod, empty]).cluster.settings, loadInventory(prod).cluster.settings);
    assert.deepEqual(loadInventory([prod, empty], ['clients.0=10.7.0.0/24']).cluster.settings.clients, ['10.7.0.0/24']);
    assert.equal(loadInventory([prod, empty], ['rto=fast']).cluster.settings.rto, 'fast');
  }
});

test('a host of a file that is not edited is neither added again nor removed', async () => {
  const more = file('hosts.yaml', 'hosts:\n  app1: {address: 10.0.0.2, roles: [client]}\n');
  const run = (...words: string[]) => inProcess([...words, '-i', prod, '-i', more, '--yes']);
  const added = await run('add-replica', 'db1', '--address', '10.0.0.9', '--roles', 'patroni');
  assert.deepEqual([added.code, /the name db1 is in use, in .*prod\.yaml/.test(added.err)], [5, true], added.err);
});
