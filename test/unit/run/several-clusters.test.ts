import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { severalInventories } from '../../../src/inventory/several.ts';
import { plain } from '../../../src/view/style.ts';
import { setUp } from '../../support/command-in-terminal.ts';
import { type FakeHost, healthyHosts } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

/** A directory with these clusters, each with a state directory of its own, and one file that is no inventory. */
async function clusters(context: TestContext, all: Record<string, Record<string, FakeHost>>): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'hapg-clusters-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, hosts] of Object.entries(all)) {
    const { directory } = await setUp(context, { hosts, stored: true });
    cpSync(directory, join(root, name), { recursive: true });
  }
  return root;
}

test('a pattern names the inventories of several clusters; a name or several files are one cluster', () => {
  assert.deepEqual(severalInventories('inventory/two-n*.yaml'), ['inventory/two-node.yaml']);
  assert.deepEqual(severalInventories(['inventor?/l[ai]b.yaml']), ['inventory/lab.yaml']);
  assert.equal(severalInventories('inventory/lab.yaml'), undefined);
  assert.equal(severalInventories(['inventory/l*.yaml', 'inventory/lab.yaml']), undefined);
  assert.throws(() => severalInventories('nowhere/*.yaml'), /-i nowhere\/\*\.yaml: matches no file/);
  assert.throws(() => severalInventories('inventory/[.yaml'), /-i: "\[\.yaml" is no pattern/);
});

test('status of several clusters is one line each, then their problems; exit 1 unless all are healthy', async (context) => {
  const sick = { ...healthyHosts(), proxy1: { sections: { vipHeld: '.' } } };
  const root = await clusters(context, { a: healthyHosts(), b: sick });
  const { code, out } = await inProcess(['status', '-i', join(root, '*', 'cluster.yaml')]);
  const lines = plain(out).split('\n');
  assert.equal(code, 1, out);
  assert.match(lines[0]!, /^CLUSTER +STATE +LEADER +MEMBERS +LAST BACKUP +INVENTORY$/);
  assert.match(lines[1]!, /^pglab +.* db1 +3 of 3 .*a\/cluster\.yaml$/);
  assert.ok(lines.some((line) => /! pglab: the VIP .* is held by no balancer/.test(line)));
});

test('an inventory that cannot be used is named, the others are shown, and its code is the end', async (context) => {
  const root = await clusters(context, { a: healthyHosts() });
  writeFileSync(join(root, 'a', 'broken.yaml'), 'cluster: [');
  const { code, out } = await inProcess(['status', '-o', 'json', '-i', join(root, 'a', '[cb]*.yaml')]);
  assert.equal(code, 5);
  const all = JSON.parse(out) as { inventory: string; cluster?: string; error?: string }[];
  assert.deepEqual([all.length, all[0]!.cluster], [2, 'pglab']);
  assert.match(all[1]!.error!, /broken\.yaml:1:\d+: error: /);
});

test('--watch shows one cluster', async () => {
  const { code, err } = await inProcess(['status', '--watch', '-i', 'inventory/l*.yaml']);
  assert.equal(code, 5);
  assert.match(err, /--watch shows one cluster/);
});
