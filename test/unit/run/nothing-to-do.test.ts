import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lastRunDied, readJournals } from '../../../src/engine/journal.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import type { Cluster } from '../../../src/inventory/model.ts';
import type { Problem } from '../../../src/status/status.ts';
import { setUp } from '../../support/command-in-terminal.ts';
import { type FakeHost, healthyHosts } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

/** The lab whose members are healthy, while a synchronous standby, backups and certificates are missing. */
async function withProblems(context: TestContext, hosts: Record<string, FakeHost> = healthyHosts()) {
  const fakes = await setUp(context, { hosts, stored: true });
  const { cluster } = loadInventory(fakes.inventory);
  return { ...fakes, cluster, options: ['-i', fakes.inventory, '--yes'] };
}

/** The lab on whose db1 a killed run has left an undo. */
function withLeftover(): Record<string, FakeHost> {
  const hosts = healthyHosts();
  hosts.db1!.sections!.units = 'hapg-undo-update.timer loaded active running x\n.';
  return hosts;
}

/** The lines of the only journal, except the beginnings of steps. */
const journalOf = (cluster: Cluster) =>
  readJournals(cluster)[0]
    ?.entries.filter(({ type }) => type !== 'begin')
    .map(({ type, command, result }) => [type, command ?? result]);

test('where nothing is to do, the exit code and the problems are those of status', async (context) => {
  const { options, cluster } = await withProblems(context);
  const status = await inProcess(['status', ...options, '-o', 'json']);
  const { problems } = JSON.parse(status.out) as { problems: Problem[] };
  assert.ok(problems.length > 0);
  const { code, out, err } = await inProcess(['repair', ...options, '-o', 'json']);
  assert.equal(code, 1, err);
  const document = JSON.parse(out) as { ok: boolean; problems: Problem[] };
  assert.equal(document.ok, false);
  assert.deepEqual(document.problems, problems);
  assert.deepEqual(readJournals(cluster), [], 'a run that changes nothing has no journal');
});

test('the text names the problems too', async (context) => {
  const { options } = await withProblems(context);
  const { code, out } = await inProcess(['repair', ...options]);
  assert.equal(code, 1);
  assert.match(out, /^Nothing to do\n(\S+: .+\n?)+$/);
});

test('a run that only clears leftovers has an end in its journal', async (context) => {
  const { options, cluster, scripts } = await withProblems(context, withLeftover());
  // The checks would be waited for; Ctrl-C ends that.
  const pressing = setInterval(() => {
    if (scripts.filter(({ script }) => script.includes(' certificates begin')).length <= 10) return;
    // A second press would end the run where it stands.
    clearInterval(pressing);
    process.emit('SIGINT');
  }, 100);
  await inProcess(['repair', ...options]).finally(() => clearInterval(pressing));
  assert.deepEqual(journalOf(cluster), [
    ['changed', undefined],
    ['start', 'repair'],
    ['end', 'not healthy'],
  ]);
  assert.equal(lastRunDied(cluster), false);
});

test('so has an apply that only clears leftovers and is refused then', async (context) => {
  const { options, cluster, directory, inventory } = await withProblems(context, withLeftover());
  const saved = join(directory, 'plan.json');
  const planned = await inProcess(['plan', '-i', inventory, '--out', saved]);
  assert.equal(planned.code, 0, planned.err + planned.out);
  const { code, err } = await inProcess(['apply', saved, ...options, '-e', 'postgres.port=5433']);
  assert.equal(code, 1, err);
  assert.deepEqual(journalOf(cluster), [
    ['changed', undefined],
    ['start', 'apply'],
    ['end', 'refused'],
  ]);
});
