import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runUndo } from '../../../src/engine/undo-script.ts';
import { Interrupted } from '../../../src/errors.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { unitsAtWork } from '../../../src/observe/run-state.ts';
import { awaitUnits, clearLeftovers } from '../../../src/run/leftovers.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { type FakeHost, fakeHosts, healthyHosts, hostsWithBackup } from '../../support/fake-hosts.ts';
import { type Answer, inTime } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { inProcess } from '../../support/in-process.ts';
import { runOver } from '../engine/run.ts';

/** What systemd says where this unit is active. */
const active = (unit: string) => `${unit} loaded active running x\n.`;

test('a unit of a run is at work, and so is an undo; a drill, a load of clients and a timer are not', () => {
  assert.deepEqual(
    unitsAtWork([
      'hapg-update.service',
      'hapg-undo-update.service',
      'hapg-undo-update.timer',
      'hapg-drill.service',
      'hapg-load.service',
      'hapg-probe-1a2b.service',
    ]),
    ['hapg-update', 'hapg-undo-update'],
  );
});

/** db2 has a unit of a dead run at work, for so long (ms). */
function withUnit(ms: number) {
  let isAtWork = true;
  const answer: Answer = (script, host) =>
    probed(script, isAtWork && host === 'db2' ? { units: active('hapg-update.service') } : {}) ?? '';
  const run = runOver(answer);
  run.network.clock.in(ms, () => {
    isAtWork = false;
  });
  return run;
}

test('the unit of a dead run is waited for, and named', async () => {
  const { op, begin, network, events } = withUnit(300_000);
  await begin();
  const began = network.clock.now();
  assert.equal(await inTime('the unit', awaitUnits(op, await op.observe())), true);
  const waited = network.clock.now() - began;
  assert.ok(waited >= 300_000 && waited < 310_000, `${waited} ms`);
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  assert.deepEqual(notes, ['db2: hapg-update, left by an interrupted run, is waited for']);
});

test('without one nothing is waited for', async () => {
  const { op, begin, network } = withUnit(0);
  await begin();
  await network.clock.sleep(1);
  const seen = await op.observe();
  network.heard.length = 0;
  assert.equal(await awaitUnits(op, seen), false);
  assert.equal(await clearLeftovers(op, seen), false);
  assert.deepEqual(network.heard, []);
});

test('Ctrl-C ends the wait for a unit of a dead run', async () => {
  const { op, begin, network, interrupt } = withUnit(86_400_000);
  await begin();
  network.clock.in(60_000, () => interrupt.press());
  await inTime('the unit', assert.rejects(awaitUnits(op, await op.observe()), Interrupted));
});

/** A lab whose db1 and db2 show what a killed update has left; the unit on db2 ends at the second look. */
async function afterDeadUpdate(): Promise<{ hosts: Record<string, FakeHost>; looks: () => number }> {
  const hosts = healthyHosts();
  let looks = 0;
  const of = (name: string) => hosts[name]!.sections!;
  const [db1, db2] = [of('db1'), of('db2')];
  hosts.db1 = { sections: { ...db1, units: active('hapg-undo-update.timer') } };
  hosts.db2 = {
    get sections() {
      return looks++ < 2 ? { ...db2, units: active('hapg-update.service') } : db2;
    },
  };
  return { hosts, looks: () => looks };
}

for (const command of [['apply']])
  test(`${command[0]} changes nothing before the unit of a dead run has ended and its undo was run`, async (context) => {
    const { hosts, looks } = await afterDeadUpdate();
    const fakes = await fakeHosts(hosts);
    context.after(() => fakes.close());
    await (await SecretStore.create(loadInventory(fakes.inventory).cluster)).save();
    const { out, err } = await inProcess([...command, '-i', fakes.inventory, '--yes']);
    const heard = fakes.scripts.map(({ host, script }) => ({ host, script: script.trim() }));
    const undo = heard.findIndex(({ host, script }) => host === 'db1' && script.includes(runUndo('update')));
    const isLook = (script: string) => script.includes('begin') || script.includes('flock -w');
    const first = heard.findIndex(({ script }, index) => index !== undo && !isLook(script));
    assert.ok(undo >= 0, `${out}${err}`);
    assert.ok(first < 0 || first > undo, heard[first]?.script.slice(0, 300));
    assert.ok(looks() >= 3, `${looks()} looks`);
    assert.match(err, /db2: hapg-update, left by an interrupted run, is waited for/);
    assert.match(err, /db1: update, left by an interrupted run, was undone/);
  });

/** Runs an operation in the healthy lab, where the unit of a dead run on db2 ends at the second look. */
async function operated(words: readonly string[]) {
  const lab: Record<string, FakeHost> = { ...healthyHosts(), backup: hostsWithBackup().backup! };
  let looks = 0;
  const { sections } = lab.db2!;
  lab.db2 = {
    get sections() {
      return looks++ < 2 ? { ...sections, units: active('hapg-update.service') } : sections!;
    },
  };
  const fakes = await fakeHosts(lab);
  try {
    await (await SecretStore.create(loadInventory(fakes.inventory).cluster)).save();
    const { out, err } = await inProcess([...words, '-i', fakes.inventory]);
    return { said: `${out}${err}`, looks };
  } finally {
    fakes.close();
  }
}

// Each of them ends with its decision, which needs no work.
for (const [words, decides] of [
  [['restart', '--pending', '--yes'], /Nothing to do/],
  [['remove-node', 'db1', '--yes'], /would not be valid without db1/],
  [['remove-node', 'client', '--gone', '--yes'], /client answers: without --gone/],
] as const)
  test(`${words.slice(0, -1).join(' ')} decides nothing before the unit of a dead run has ended`, async () => {
    const { said, looks } = await operated(words);
    assert.match(said, /db2: hapg-update, left by an interrupted run, is waited for/);
    assert.match(said, decides);
    assert.ok(looks >= 3, `${looks} looks`);
  });

test('a command for an emergency does not wait for a unit, which may be the cause', async () => {
  const { said } = await operated(['repair', '--yes']);
  assert.doesNotMatch(said, /is waited for/);
});

test('plan waits for nothing and undoes nothing', async (context) => {
  const fakes = await fakeHosts((await afterDeadUpdate()).hosts);
  context.after(() => fakes.close());
  await inProcess(['plan', '-i', fakes.inventory]);
  assert.ok(!fakes.scripts.some(({ script }) => script.includes(runUndo('update')) || script.includes('flock -w')));
});

test('a host whose systemd stays silent is waited for a minute, not as long as work may take', async () => {
  const { op, begin, network } = runOver(
    (script, host) => probed(script, host === 'db2' ? { units: 'code 1' } : {}) ?? '',
  );
  await begin();
  const began = network.clock.now();
  await assert.rejects(inTime('systemd', awaitUnits(op, await op.observe())), /db2: .*systemd does not answer/);
  assert.ok(network.clock.now() - began < 70_000);
});
