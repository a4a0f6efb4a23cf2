import assert from 'node:assert/strict';
import { test } from 'node:test';
import { converge } from '../../../src/engine/converge.ts';
import { readJournals } from '../../../src/engine/journal.ts';
import { StepFailed } from '../../../src/errors.ts';
import type { Intent } from '../../../src/run/intent.ts';
import { performWork } from '../../../src/run/work.ts';
import { databaseHosts, restartable, restarts, runOver } from './run.ts';

/** The failures of a run, in the document, in the journal and on the screen, as "HOST STEP". */
async function failuresOf(run: ReturnType<typeof runOver>, work: () => Promise<void>) {
  await performWork(run.op, { run: work } as unknown as Intent, undefined);
  const line = ({ host, step }: Record<string, unknown>) => `${host} ${step}`;
  return {
    document: run.recorder.failed.map((one) => line({ ...one })),
    journal: readJournals(run.cluster)[0]!
      .entries.filter(({ type }) => type === 'failed')
      .map(line),
    screen: run.events.filter(({ type }) => type === 'failed').map((one) => line({ ...one })),
  };
}

test('a step that fails within an apply is recorded once', async () => {
  const run = runOver(restartable((script) => (script === 'restart' ? { code: 1, output: 'no' } : '')));
  const found = await run.look(restarts(), databaseHosts(run.cluster));
  const seen = await failuresOf(run, () => converge(run.op, found));
  const once = seen.document.slice(0, 1);
  assert.match(once[0]!, /^db1 /);
  assert.deepEqual(seen, { document: once, journal: once, screen: once });
});

test('the failure of another step is recorded beside it', async () => {
  const run = runOver(() => '');
  run.recorder.failure('db1', 'one', new StepFailed('db1', 'one', 'no'));
  const both = ['db1 one', 'db1 two'];
  const seen = await failuresOf(run, async () => {
    throw new StepFailed('db1', 'two', 'no');
  });
  assert.deepEqual(seen, { document: both, journal: both, screen: both });
});
