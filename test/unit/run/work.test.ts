import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadFigures } from '../../../src/cluster/client-load.ts';
import { Interrupted, StepFailed } from '../../../src/errors.ts';
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

test('a failure after Ctrl-C is reported as a failure, and only what Ctrl-C ended as interrupted', async () => {
  const failing = async (cause: Error) => {
    const { op, cluster, begin, interrupt, recorder } = runOver((script) => probed(script) ?? '');
    await begin();
    const run = async () => {
      interrupt.press();
      throw cause;
    };
    const { error } = await performWork(op, { run } as unknown as Intent, undefined);
    return { error, failed: recorder.failed.length, cluster };
  };
  const dpkg = new StepFailed('db1', 'upgrade', 'dpkg: error processing package');
  assert.deepEqual(await failing(dpkg).then(({ error, failed }) => [error, failed]), [dpkg, 1]);
  const stopped = await failing(new Interrupted());
  assert.match(stopped.error!.message, /interrupted; run again to continue/);
  assert.equal(stopped.failed, 0);
});

test('a link that is lost in the work is a failure of the host, not a bug', async () => {
  const { op, begin, network, host } = runOver((script) => probed(script) ?? '');
  await begin();
  network.lose('db1');
  const run = async () => void (await op.session.ask(host('db1'), 'date'));
  const { error } = await performWork(op, { run } as unknown as Intent, undefined);
  assert.equal(error?.message, 'db1: the connection was lost');
});
