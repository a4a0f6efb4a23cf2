import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setUp } from '../../support/command-in-terminal.ts';
import { healthyHosts } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

const SHARED = { recovery: false, users: [], databases: [], lookUp: null };
const HOLDING = { candidates: [], databases: [{ name: 'old', sessions: 0 }] };

/** The lab where a database is there that the inventory wants to be gone. */
async function withOldDatabase(context: TestContext) {
  const hosts = healthyHosts();
  for (const name of ['db1', 'db2', 'db3'])
    hosts[name]!.sections = {
      ...hosts[name]!.sections,
      'kind:sql-removals': `${JSON.stringify(SHARED)}\n${JSON.stringify(HOLDING)}`,
    };
  const fakes = await setUp(context, { hosts, stored: true });
  const text = readFileSync(fakes.inventory, 'utf8');
  const more = text.replace('    - {name: app, owner: app}\n', (line) => `${line}    - {name: old, ensure: absent}\n`);
  assert.notEqual(more, text);
  writeFileSync(fakes.inventory, more);
  return { ...fakes, options: ['-i', fakes.inventory] };
}

const DROP = /drop database old with its data/;

test('a database that is declared absent stays without --prune, and the plan says so', async (context) => {
  const { options } = await withOldDatabase(context);
  const { out } = await inProcess(['plan', ...options]);
  assert.doesNotMatch(out, DROP);
  assert.match(out, /database old is declared absent and stays: only "hapg apply --prune" drops a database/);
});

test("with --prune the plan lists it, and apply wants the cluster's name", async (context) => {
  const { options, scripts } = await withOldDatabase(context);
  const planned = await inProcess(['plan', '--prune', ...options]);
  assert.match(planned.out, DROP);
  for (const [more, says] of [
    [[], /this cannot be taken back: --yes --confirm pglab is needed/],
    [['--confirm', 'pgother'], /not confirmed; nothing was changed/],
  ] as const) {
    const { code, err } = await inProcess(['apply', '--prune', '--yes', ...more, ...options]);
    assert.notEqual(code, 0);
    assert.match(err, says);
  }
  assert.ok(!scripts.some(({ script }) => /drop database/.test(script)), 'nothing was dropped');
});

test('a saved plan keeps --prune, and still wants the name', async (context) => {
  const { options, directory } = await withOldDatabase(context);
  const saved = join(directory, 'plan.json');
  assert.match((await inProcess(['plan', '--prune', '--out', saved, ...options])).out, DROP);
  const { err } = await inProcess(['apply', saved, ...options]);
  assert.doesNotMatch(err, /stale/);
  assert.match(err, /--confirm pglab is needed/);
});
