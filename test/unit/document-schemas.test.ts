import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import type { ApplyResult } from '../../src/engine/apply.ts';
import type { Plan } from '../../src/engine/plan.ts';
import { statusOf } from '../../src/status/status.ts';
import { applyDocument, nothingDocument, unreachableDocument } from '../../src/view/apply.ts';
import { DOCUMENT_NAMES, DOCUMENTS, type DocumentName } from '../../src/view/documents/index.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { fakeHosts, healthyHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { healthyLab, labCluster } from './model.ts';

/** What is wrong with a document; empty when its schema takes it. */
const wrongWith = (name: DocumentName, document: unknown): string[] => {
  const seen = DOCUMENTS[name].safeParse(JSON.parse(JSON.stringify(document)));
  return seen.success ? [] : seen.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

const [status, plan, apply, operation] = [
  ...readFileSync('docs/status.md', 'utf8').matchAll(/^```jsonc?\n([\s\S]*?)^```$/gm),
]
  .map(([, text]) => JSON.parse(text!) as Record<string, unknown>)
  .filter((document) => !('error' in document));

for (const [name, document] of Object.entries({ status, plan, apply, operation }))
  test(`the documented ${name} fits its schema, and one without a key does not`, () => {
    assert.deepEqual(wrongWith(name as DocumentName, document), []);
    for (const key of ['hosts', 'changes', 'members', 'ok'].filter((one) => one in document!))
      assert.notDeepEqual(wrongWith(name as DocumentName, { ...document, [key]: undefined }), [], key);
    assert.deepEqual(wrongWith(name as DocumentName, { ...document, added_later: 1 }), []);
  });

test('the documents of a real plan, of a saved one and of a failed command fit', async (context) => {
  const fakes = await fakeHosts({}, { small: true });
  context.after(() => fakes.close());
  const file = join(fakes.directory, 'p');
  const planned = await inProcess(['plan', '-i', fakes.inventory, '--out', file, '-o', 'json']);
  assert.deepEqual(wrongWith('plan', JSON.parse(planned.out)), []);
  const shown = await inProcess(['plan', 'show', file, '-o', 'json']);
  assert.deepEqual(wrongWith('plan', JSON.parse(shown.out)), []);
  const doctor = await inProcess(['doctor', '-i', fakes.inventory, '-o', 'json']);
  assert.deepEqual(wrongWith('doctor', JSON.parse(doctor.out)), []);
  const failed = await inProcess(['plan', '-i', '/nowhere.yaml', '-o', 'json']);
  assert.deepEqual(wrongWith('error', JSON.parse(failed.out)), []);
});

test('the documents of a real operation and of status fit', async (context) => {
  const { inventory } = await setUp(context, { hosts: healthyHosts(), stored: true });
  const { out } = await inProcess(['repair', '-i', inventory, '--yes', '-o', 'json']);
  assert.deepEqual(wrongWith('operation', JSON.parse(out)), []);
  const seen = await inProcess(['status', '-i', inventory, '-o', 'json']);
  assert.deepEqual(wrongWith('status', JSON.parse(seen.out)), []);
  const made = statusOf(labCluster(), takeSnapshot(healthyLab()), new Map(), undefined, Date.now());
  assert.deepEqual(wrongWith('status', made), []);
});

test('every document of apply fits', () => {
  const hosts = { db1: { ok: 1, changed: 1, failed: 0, unreachable: false, skipped: 0 } };
  const made = { hosts, changes: [], notes: [] } as unknown as Plan;
  const timed = { run: 'r', ms: 1 };
  const done = [{ host: 'db1', stage: 's', step: 's', role: 'etcd', action: 'create', ms: 1 }];
  const result = { done, failed: [], interrupted: false } as ApplyResult;
  const unreachable = unreachableDocument(labCluster().hosts, new Map([['db1', new Error('x')]]), 'r');
  for (const document of [applyDocument(made, result, timed), nothingDocument(made, timed), unreachable])
    assert.deepEqual(wrongWith('apply', document), []);
});

test('hapg schema prints a JSON Schema of each document, and of the inventory without a name', async () => {
  for (const name of DOCUMENT_NAMES) {
    const { code, out } = await inProcess(['schema', name]);
    const schema = JSON.parse(out) as { $schema: string; properties: object; additionalProperties: unknown };
    assert.equal(code, 0);
    assert.match(schema.$schema, /2020-12/);
    assert.ok(Object.keys(schema.properties).length > 2);
    assert.notEqual(schema.additionalProperties, false);
  }
  assert.match((await inProcess(['schema'])).out, /"pgbackrest"/);
  const { code, err } = await inProcess(['schema', 'nothing']);
  assert.deepEqual([code, /there is no schema of nothing; there is one of plan, apply/.test(err)], [5, true], err);
});
