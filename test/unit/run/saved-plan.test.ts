import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeHosts } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

test('a saved plan is refused as stale, with nothing changed, when something else would be done now', async (context) => {
  const fakes = await fakeHosts();
  context.after(() => fakes.close());
  const saved = join(fakes.directory, 'plan.json');
  const planned = await inProcess(['plan', '-i', fakes.inventory, '--out', saved]);
  assert.equal(planned.code, 0, planned.err);
  const before = fakes.scripts.length;
  const { code, err } = await inProcess(['apply', saved, '-i', fakes.inventory, '-e', 'postgres.port=5433']);
  assert.equal(code, 1, err);
  assert.match(err, /plan\.json is stale: what would be done now is not what it shows\. Plan again/);
  const asked = fakes.scripts.slice(before).map(({ script }) => script);
  assert.ok(asked.every((script) => script.includes('begin') || script.includes('flock -w')));
  assert.equal(
    existsSync(join(fakes.directory, '.hapg', 'pglab', 'journal')),
    false,
    'a run that changes nothing has no journal',
  );
});

test('a saved plan that is what would be done now is not refused', async (context) => {
  const fakes = await fakeHosts();
  context.after(() => fakes.close());
  const saved = join(fakes.directory, 'plan.json');
  assert.equal((await inProcess(['plan', '-i', fakes.inventory, '--out', saved])).code, 0);
  const { err } = await inProcess(['apply', saved, '-i', fakes.inventory]);
  assert.doesNotMatch(err, /stale/);
  assert.ok(
    fakes.scripts.some(({ script }) => !script.includes('begin') && !script.includes('flock -w')),
    'it is done',
  );
});

test('a saved plan knows its inventory and what was set on top of it, from wherever it is carried out', async (context) => {
  const fakes = await fakeHosts({}, { small: true });
  context.after(() => fakes.close());
  const saved = join(fakes.directory, 'plan.json');
  const planned = await inProcess(['plan', '-i', fakes.inventory, '-e', 'postgres.port=5433', '--out', saved]);
  assert.equal(planned.code, 0, planned.err);
  const before = fakes.scripts.length;
  const { err } = await inProcess(['apply', saved]);
  assert.doesNotMatch(err, /stale|cannot read the inventory/);
  assert.ok(fakes.scripts.length > before, 'its hosts were asked');
});

test('a plan that fails never ends with 2, which says that changes are pending', async (context) => {
  const fakes = await fakeHosts({ client: { sections: { facts: 'nonsense' } } }, { small: true });
  context.after(() => fakes.close());
  const { code, err } = await inProcess(['plan', '--detailed-exitcode', '-i', fakes.inventory]);
  assert.equal(code, 1, err);
});
