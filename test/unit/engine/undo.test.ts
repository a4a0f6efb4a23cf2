import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runUndo } from '../../../src/engine/undo-script.ts';
import type { Answer, FakeNetwork } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { runOver } from './run.ts';

const quiet: Answer = (script) => probed(script) ?? '';

/** The undos that were run, in order. */
const undone = ({ heard }: FakeNetwork): string[] =>
  heard.flatMap(({ host, script }) =>
    ['update', 'drain-db1'].filter((name) => script === runUndo(name)).map((name) => `${host} ${name}`),
  );

test('everything temporary is put back in the reverse order, also on a host whose link was lost meanwhile', async () => {
  const { network, op, begin, host } = runOver(quiet);
  await begin();
  await op.armUndo(host('db1'), 'update', ':', 300);
  await op.armUndo(host('proxy1'), 'drain-db1', ':', 300);
  network.lose('proxy1');
  network.heard.length = 0;
  assert.deepEqual(await op.runAllUndos(), []);
  assert.deepEqual(undone(network), ['proxy1 drain-db1', 'db1 update']);
});

test('what cannot be put back is named, and the rest is put back', async () => {
  const { network, op, begin, host } = runOver(quiet);
  await begin();
  await op.armUndo(host('db1'), 'update', ':', 300);
  await op.armUndo(host('proxy1'), 'drain-db1', ':', 300);
  network.unreachable.add('proxy1');
  network.lose('proxy1');
  const left = await op.runAllUndos();
  assert.equal(left.length, 1);
  assert.match(left[0]!, /^proxy1: drain-db1 is still set and will undo itself/);
  assert.deepEqual(undone(network), ['db1 update']);
});

test('an undo that was called off is not run at the end', async () => {
  const { network, op, begin, host } = runOver(quiet);
  await begin();
  await op.armUndo(host('db1'), 'update', ':', 300);
  await op.callOffUndo(host('db1'), 'update');
  await op.runAllUndos();
  assert.deepEqual(undone(network), []);
});

test('undos that a dead run has left are run, each on its host, and named', async () => {
  const units = 'hapg-undo-drain-db1.timer loaded active waiting x\nhapg-drill.service loaded active running x\n.';
  const { network, op, begin } = runOver((script, host) => probed(script, host === 'proxy1' ? { units } : {}) ?? '');
  await begin();
  const cleared = await op.clearLeftovers(await op.observe());
  assert.deepEqual(cleared, ['proxy1: drain-db1, left by an interrupted run, was undone']);
  assert.deepEqual(undone(network), ['proxy1 drain-db1']);
});
