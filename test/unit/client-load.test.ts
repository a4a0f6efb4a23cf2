import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadFigures } from '../../src/cluster/client-load.ts';
import { underLoad } from '../../src/engine/client-load.ts';

const FIGURES: LoadFigures = {
  writes: { acked: 1, failed: 0, max_gap_ms: 2, max_gap_at: null, lost: 0 },
  reads: { ok: 3, failed: 0, max_gap_ms: 4, max_gap_at: null },
};

/** A load that counts how often it was stopped. */
const load = (stop: () => Promise<typeof FIGURES> = async () => FIGURES) => {
  const made = { stopped: 0, stop: () => stop().finally(() => made.stopped++) };
  return made;
};

test('what clients saw comes with the outcome of the work', async () => {
  const one = load();
  assert.deepEqual(await underLoad(one, async () => ({ done: 2 })), { done: 2, ...FIGURES });
  assert.equal(one.stopped, 1);
  assert.deepEqual(await underLoad(undefined, async () => ({ done: 2 })), { done: 2 });
});

test('a load is stopped when the work fails, and the failure is that of the work', async () => {
  for (const one of [load(), load(() => Promise.reject(new Error('no figures')))]) {
    await assert.rejects(
      underLoad(one, () => Promise.reject(new Error('a bug'))),
      /a bug/,
    );
    assert.equal(one.stopped, 1);
  }
});

test('figures that cannot be had are an error when the work was done', async () => {
  const one = load(() => Promise.reject(new Error('no figures')));
  await assert.rejects(
    underLoad(one, async () => ({})),
    /no figures/,
  );
  assert.equal(one.stopped, 1);
});
