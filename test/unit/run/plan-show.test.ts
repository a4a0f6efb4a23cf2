import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fakeHosts } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

/** A plan of two new hosts, as it was printed and as it was saved. */
async function saved(context: TestContext, ...words: string[]) {
  const fakes = await fakeHosts({}, { small: true });
  context.after(() => fakes.close());
  const file = join(fakes.directory, 'cluster.plan');
  const planned = await inProcess(['plan', '-i', fakes.inventory, '--out', file, ...words]);
  assert.equal(planned.code, 0, planned.err);
  return { ...fakes, file, planned: planned.out };
}

test('a saved plan is shown as it was printed, without connecting', async (context) => {
  const { file, planned, scripts } = await saved(context);
  const before = scripts.length;
  const { code, out, err } = await inProcess(['plan', 'show', file]);
  assert.equal(code, 0, err);
  assert.equal(out, planned);
  assert.match(out, /^Impact, in this order\n {2}a first apply: a new cluster is made\n/);
  assert.equal(scripts.length, before);
});

test('its document is that of the plan', async (context) => {
  const { file, planned } = await saved(context, '-o', 'json');
  const { out } = await inProcess(['plan', 'show', file, '-o', 'json']);
  const { duration_ms: _, ...printed } = JSON.parse(planned);
  const { cluster, digest, made, ...shown } = JSON.parse(out);
  assert.deepEqual(shown, printed);
  assert.deepEqual([cluster, shown.format_version, digest.length], ['pglab', 1, 64]);
  assert.ok(Date.parse(made) > 0);
  assert.ok(
    shown.changes.every(({ stage, summary }: { stage: string; summary: string }) => stage && summary !== undefined),
  );
  assert.ok(shown.changes.some(({ after }: { after: string | null }) => after?.includes('hapg')));
});

test('its Markdown is that of the plan, wherever the option stands', async (context) => {
  const { file, planned } = await saved(context, '-o', 'markdown');
  assert.match(planned, /^## Plan for pglab: \d+ changes: /);
  for (const words of [
    ['plan', 'show', file, '-o', 'markdown'],
    ['plan', '-o', 'markdown', 'show', file],
  ])
    assert.equal((await inProcess(words)).out, planned);
});

test('an option that it could not keep is refused', async (context) => {
  const { file, inventory } = await saved(context);
  const { code, err } = await inProcess(['plan', '-i', inventory, 'show', file]);
  assert.equal(code, 5);
  assert.match(err, /^error: hapg plan show: -i goes with "hapg plan"$/m);
});

test('a saved plan has no secret', async (context) => {
  const { file, directory } = await saved(context);
  const state = join(directory, '.hapg', 'pglab');
  const store = readdirSync(state)
    .filter((name) => /secrets/.test(name))
    .map((name) => readFileSync(join(state, name), 'utf8'))
    .join();
  const passwords = [...store.matchAll(/^ +\w+: (\S{20,})$/gm)].map(([, password]) => password!);
  assert.ok(passwords.length > 3, readdirSync(state).join());
  const text = readFileSync(file, 'utf8');
  for (const one of passwords) assert.ok(!text.includes(one));
});

test('a plan that an older hapg has saved is shown, and carried out where it still fits', async (context) => {
  const { file, inventory } = await saved(context);
  const { hapg, inventory: own, inputs, digest, changes } = JSON.parse(readFileSync(file, 'utf8'));
  for (const change of changes) delete change.settings;
  writeFileSync(file, JSON.stringify({ hapg, inventory: own, inputs, digest, changes }));
  const { code, out } = await inProcess(['plan', 'show', file]);
  assert.equal(code, 0);
  assert.match(out, /^Its impact is not known: an older hapg has saved this plan\n/);
  assert.match(out, /\n\d+ changes: /);
  const { err } = await inProcess(['apply', file, '-i', inventory]);
  assert.doesNotMatch(err, /stale|no plan/);
});

test('what is no saved plan is said to be none', async (context) => {
  const { directory, inventory } = await saved(context);
  const file = join(directory, 'other.json');
  writeFileSync(file, '{"hapg":1,"digest":"x","changes":[{"host":1}]}');
  assert.match((await inProcess(['plan', 'show', file])).err, /this is no plan that "hapg plan --out FILE" has saved/);
  assert.match((await inProcess(['plan', 'show', inventory])).err, /is an inventory and no saved plan/);
});

test('another run is told before the plan, in words, once for all hosts', async (context) => {
  const holder = { run: 'r1', command: 'apply', by: 'ann@desk pid 7', since: '2026-01-01T00:00:00Z' };
  const held = { sections: { holder: JSON.stringify(holder) } };
  const fakes = await fakeHosts({ db1: held, client: held }, { small: true });
  context.after(() => fakes.close());
  const { out, err } = await inProcess(['plan', '-i', fakes.inventory]);
  assert.match(
    out,
    /^another run is going on, on db1, client: hapg apply by ann@desk pid 7 since 2026-01-01T00:00:00Z, run r1\n/,
    out.slice(0, 400) + err,
  );
});
