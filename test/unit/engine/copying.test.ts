import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { copyProgress } from '../../../src/cluster/copy-progress.ts';
import { verdict } from '../../../src/decisions/verdict.ts';
import { untilCopied } from '../../../src/engine/copying.ts';
import { inTime } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { runOver } from './run.ts';

/**
 * Waits for a copy on db3 that ends after `minutes`, of which each look tells what `progress` says at that minute.
 * Returns the minutes that the wait took.
 */
async function copy(minutes: number, progress: (minute: number) => string, goneAt = Number.POSITIVE_INFINITY) {
  const { network, op, begin, host } = runOver((script) =>
    script === copyProgress(host('db3').dataDir) ? progress(minute()) : (probed(script) ?? ''),
  );
  const began = network.clock.now();
  const minute = () => Math.floor((network.clock.now() - began) / 60_000);
  await begin();
  const judge = () => {
    if (minute() >= goneAt && !network.unreachable.has('db3')) {
      network.unreachable.add('db3');
      network.lose('db3');
    }
    return verdict(minute() >= minutes ? [] : ['db3 is creating replica']);
  };
  await inTime('the copy', untilCopied(op, host('db3'), 'streaming', judge, { databaseBytes: 1e12 }));
  return minute();
}

describe('a member that copies the database', () => {
  test('is waited for as long as bytes arrive, longer than nothing may happen', async () => {
    assert.equal(await copy(60, (minute) => `bytes ${minute + 1}`), 60);
  });

  test('is given up when nothing of the copy has changed for ten minutes', async () => {
    await assert.rejects(
      copy(60, (minute) => `bytes ${Math.min(minute, 5) + 1}`),
      /no progress for 600 s: db3 is creating/,
    );
  });

  test('is not given up because its size is not reported', async () => {
    assert.equal(await copy(30, () => ''), 30);
  });

  test('is given up when its host is gone, and not before a lost link could have come back', async () => {
    await assert.rejects(
      copy(60, (minute) => `bytes ${minute + 1}`, 10),
      /db3: streaming: it has not answered for 300 s/,
    );
  });
});
