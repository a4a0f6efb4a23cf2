import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../src/cli.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import type { ApplyResult } from '../../src/engine/apply.ts';
import type { Plan } from '../../src/engine/plan.ts';
import { statusOf } from '../../src/status/status.ts';
import { applyDocument, nothingDocument, unreachableDocument } from '../../src/view/apply.ts';
import { DOCUMENT_NAMES, type DocumentName } from '../../src/view/documents/index.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { documentOfCommand, wrongWith } from '../support/documents.ts';
import { fakeHosts, healthyHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { healthyLab, labCluster } from './model.ts';

/** The commands with their words, `secrets show`. */
const commandsOf = (command: Command, words: readonly string[] = []): [string, Command][] =>
  command.commands.flatMap((one) => [
    [[...words, one.name()].join(' '), one] as [string, Command],
    ...commandsOf(one, [...words, one.name()]),
  ]);

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

/** Commands whose document no schema describes: those of a lab, which nobody but a developer has. */
const WITHOUT = /^(lab .*|kept rm|secrets set)$/;

test('every command with -o json has a schema, and every schema is that of a command', () => {
  const taking = commandsOf(program).filter(([, { options }]) => options.some(({ long }) => long === '--output'));
  const missing = taking.map(([words]) => words).filter((words) => !documentOfCommand(words) && !WITHOUT.test(words));
  assert.deepEqual(missing, []);
  const used = new Set(taking.map(([words]) => documentOfCommand(words)));
  assert.deepEqual(
    DOCUMENT_NAMES.filter((name) => !used.has(name) && name !== 'error'),
    [],
  );
});

test('a document of another form is found out', () => {
  assert.notDeepEqual(wrongWith('topology', { cluster: 'x', members: [{ name: 'db1' }], others: [] }), []);
  assert.notDeepEqual(wrongWith('logs', { host: 'db1' }), []);
  assert.notDeepEqual(wrongWith('connect', { primary: 'postgresql://' }), []);
});

test('hapg schema prints a JSON Schema of each document, and of the inventory without a name', async () => {
  for (const name of DOCUMENT_NAMES) {
    const { code, out } = await inProcess(['schema', ...name.split(' ')]);
    const schema = JSON.parse(out) as { $schema: string; description: string; additionalProperties: unknown };
    assert.equal(code, 0);
    assert.match(schema.$schema, /2020-12/);
    assert.ok(schema.description.length > 2);
    assert.notEqual(schema.additionalProperties, false);
  }
  assert.match((await inProcess(['schema'])).out, /"pgbackrest"/);
  const { code, err } = await inProcess(['schema', 'nothing']);
  assert.deepEqual([code, /there is no schema of nothing; there is one of plan, apply/.test(err)], [5, true], err);
});
