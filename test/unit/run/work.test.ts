import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadFigures } from '../../../src/cluster/client-load.ts';
import { StepFailed } from '../../../src/errors.ts';
import type { Intent } from '../../../src/run/intent.ts';
import { performWork } from '../../../src/run/work.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { probed } from '../../support/fake-probe.ts';
import { runOver } from '../engine/run.ts';

const FIGURES = { writes: { acked: 1 }, reads: { ok: 2 } } as LoadFigures;

/** Does work that fails like this under a load; returns how it ended, and how often the load was stopped. */
async function underLoad(cause: Error | undefined, stop: () => Promise<LoadFigures> = async () => FIGURES) {
  const { op, cluster, begin } = runOver((script) => probed(script) ?? '');
  await begin();
  let stopped = 0;
  const work = async () => {
    if (cause) throw cause;
  };
  const load = {
    stop: async () => {
      stopped++;
      return stop();
    },
  };
  const intent = { run: work } as unknown as Intent;
  const ended = await performWork(op, intent, await SecretStore.create(cluster), async () => load).catch(
    (bug: Error) => bug,
  );
  return { ended, stopped };
}

test('the load ends once with the work, and its figures come with the outcome', async () => {
  assert.deepEqual(await underLoad(undefined), { ended: { figures: FIGURES, left: [] }, stopped: 1 });
  const error = new StepFailed('db1', 'restart', 'it did not come back');
  assert.deepEqual(await underLoad(error), { ended: { error, figures: FIGURES, left: [] }, stopped: 1 });
});

test('a bug in the work ends the load too, whose passwords are in a file; the bug is reported', async () => {
  for (const stop of [async () => FIGURES, () => Promise.reject(new Error('no figures'))]) {
    const { ended, stopped } = await underLoad(new TypeError('a bug'), stop);
    assert.ok(ended instanceof TypeError && ended.message === 'a bug', String(ended));
    assert.equal(stopped, 1);
  }
});
