import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdict } from '../../../src/decisions/verdict.ts';
import { runUndo } from '../../../src/engine/undo-script.ts';
import { Interrupted } from '../../../src/errors.ts';
import { type Answer, HANGS, inTime } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { databaseHosts, restartable, restarts, runOver } from './run.ts';

const quiet: Answer = (script) => probed(script) ?? '';
const never = () => verdict(['not yet']);
const DAY_S = 86_400;

/** A wait of a day, in which Ctrl-C is pressed so often after an hour. */
async function waitOfADay(presses: number, stoppable: boolean) {
  const run = runOver(quiet);
  const { network, interrupt, op, host } = run;
  await run.begin();
  let pressed = 0;
  network.clock.in(3_600_000, () => {
    for (let n = 0; n < presses; n++) interrupt.press();
    pressed = network.heard.length;
  });
  const began = network.clock.now();
  const ended = await inTime(
    'the wait',
    op.until(host('db1'), 'streaming', DAY_S, never, { hosts: [host('db1')], stoppable, everyMs: 600_000 }).then(
      () => assert.fail('nothing was waited for'),
      (cause: Error) => cause,
    ),
    20_000,
  );
  return { ...run, ended, waited: network.clock.now() - began, looksAfterwards: network.heard.length - pressed };
}

test('Ctrl-C ends a wait in which nothing is half done within one look', async () => {
  const { ended, waited, looksAfterwards } = await waitOfADay(1, true);
  assert.ok(ended instanceof Interrupted, String(ended));
  assert.equal(looksAfterwards, 0);
  assert.ok(waited < 3_700_000, `${waited} ms`);
});

test('Ctrl-C does not end a wait in which something is half done', async () => {
  const { ended, waited } = await waitOfADay(1, false);
  assert.match(ended.message, /not so within 86400 s/);
  assert.ok(waited >= DAY_S * 1000);
});

test('Ctrl-C pressed twice ends every wait, and nothing is dialled again', async () => {
  for (const stoppable of [true, false]) {
    const { ended, waited, network, op, cluster, session, looksAfterwards } = await waitOfADay(2, stoppable);
    assert.ok(ended instanceof Interrupted, String(ended));
    assert.equal(looksAfterwards, 0);
    assert.ok(waited < 3_700_000, `${waited} ms`);
    assert.deepEqual(network.locked, [], 'the locks are free for the next run');
    const logins = network.dialled.length;
    await assert.rejects(op.observe(), Interrupted);
    await assert.rejects(session.open(cluster.hosts[0]!), Interrupted);
    await assert.rejects(session.ask(cluster.hosts[0]!, 'true'), Interrupted);
    await assert.rejects(op.ask(cluster.hosts[0]!, 'anything', 'true'), Interrupted);
    assert.equal(network.dialled.length, logins);
  }
});

test('a script that hangs is not waited for once Ctrl-C was pressed twice', async () => {
  const run = runOver((script, host) => {
    if (script === 'apt-get upgrade') {
      run.interrupt.press();
      run.interrupt.press();
      return HANGS;
    }
    return quiet(script, host);
  });
  await run.begin();
  const began = run.network.clock.now();
  await inTime(
    'the script',
    assert.rejects(run.op.ask(run.host('db1'), 'upgrade', 'apt-get upgrade', 1800), Interrupted),
  );
  assert.equal(run.network.clock.now(), began);
});

test('a login that ends after Ctrl-C was pressed twice is closed again', async () => {
  const { network, session, interrupt, host } = runOver(quiet);
  const opening = session.open(host('db1'));
  interrupt.press();
  interrupt.press();
  await assert.rejects(opening, Interrupted);
  assert.equal(session.isOpen(host('db1')), false);
  assert.deepEqual(network.locked, []);
});

test('Ctrl-C in a roll-out finishes the host in hand and begins no other', async () => {
  const run = runOver(
    restartable((script, host) => {
      if (script === 'restart' && host === 'db2') run.interrupt.press();
      return '';
    }),
  );
  const { done, failed, interrupted } = await run.apply(await run.look(restarts(), databaseHosts(run.cluster)));
  assert.deepEqual(failed, []);
  assert.deepEqual(
    done.map(({ host }) => host),
    ['db1', 'db2'],
  );
  assert.equal(interrupted, true);
});

test('Ctrl-C ends the wait between two groups and the wait of a gate', async () => {
  for (const stage of [{ between: () => 3600 }, { gate: () => verdict(['not yet']) }]) {
    const run = runOver(restartable());
    const found = await run.look(restarts(stage), databaseHosts(run.cluster));
    const began = run.network.clock.now();
    run.network.clock.in(10, () => run.interrupt.press());
    const { done, interrupted } = await inTime('the run', run.apply(found));
    assert.equal(interrupted, true);
    assert.ok(done.length <= 1);
    assert.ok(run.network.clock.now() - began < 5000, `${run.network.clock.now() - began} ms`);
  }
});

test('Ctrl-C pressed twice makes no failures of the hosts that are not waited for', async () => {
  const run = runOver(
    restartable((script) => {
      if (script !== 'restart') return '';
      run.interrupt.press();
      run.interrupt.press();
      return HANGS;
    }),
  );
  const { done, failed, interrupted } = await run.apply(await run.look(restarts(), databaseHosts(run.cluster)));
  assert.deepEqual({ done, failed, interrupted }, { done: [], failed: [], interrupted: true });
});

test('what is temporary is put back after one Ctrl-C, and left to its own undo after two', async () => {
  for (const presses of [1, 2]) {
    const run = runOver(quiet);
    await run.begin();
    await run.op.armUndo(run.host('db1'), 'update', 'start everything', 300);
    for (let n = 0; n < presses; n++) run.interrupt.press();
    const left = await run.op.runAllUndos();
    assert.equal(run.network.heard.filter(({ script }) => script === runUndo('update')).length, presses === 1 ? 1 : 0);
    assert.deepEqual(left, presses === 1 ? [] : ['db1: update is still set and will undo itself (not waited for)']);
  }
});
