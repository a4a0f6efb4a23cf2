import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { programWords } from '../support/bundle.ts';

const directory = mkdtempSync(join(tmpdir(), 'hapg-environment-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const LAB = resolve('inventory/lab.yaml');
cpSync('inventory/two-node.yaml', join(directory, 'inventory.yaml'));
const [node, ...program] = programWords('hapg');

/** What `hapg validate` says in a directory with an inventory of its own, when HAPG_INVENTORY is this. */
const validated = (inventory: string, ...words: string[]) =>
  spawnSync(node!, [...program, 'validate', ...words], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, HAPG_INVENTORY: inventory },
  }).stdout;

test('HAPG_INVENTORY names the inventory for a session; -i wins, and an empty name is none', () => {
  assert.match(validated(LAB), /lab\.yaml: cluster pglab/);
  assert.match(validated('/nowhere.yaml', '-i', LAB), /lab\.yaml: cluster pglab/);
  assert.match(validated(''), /^inventory\.yaml: cluster pgtwo/);
  writeFileSync(join(directory, 'over.yaml'), 'cluster: pgover\n');
  assert.match(validated(`${LAB}:over.yaml`), /^over\.yaml: cluster pgover, 7 hosts/);
});
