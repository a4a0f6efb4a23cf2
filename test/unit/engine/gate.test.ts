import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeNetwork } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { databaseHosts, restartable, restarts, runOver } from './run.ts';

/** What happened, host by host: who was looked at and who was restarted. */
const story = ({ heard }: FakeNetwork): string[] =>
  heard.map(({ host, script }) => `${script === 'restart' ? 'restart' : 'look at'} ${host}`);
const restartsIn = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith('restart'));

test('a gate looks at all hosts before it says yes', async () => {
  const { network, look, apply, cluster } = runOver(restartable());
  const found = await look(restarts(), databaseHosts(cluster));
  network.heard.length = 0;
  const { failed } = await apply(found);
  assert.deepEqual(failed, []);
  const lines = story(network);
  assert.deepEqual(restartsIn(lines), ['restart db1', 'restart db2', 'restart db3']);
  assert.deepEqual(
    new Set(lines.slice(0, lines.indexOf('restart db1'))),
    new Set(['look at db1', 'look at db2', 'look at db3']),
  );
});

test('a host that died while the plan was read keeps every other one from being restarted', async () => {
  const { network, look, apply, cluster } = runOver(restartable());
  const found = await look(restarts(), databaseHosts(cluster));
  network.heard.length = 0;
  network.lose('db2');
  const { failed } = await apply(found);
  assert.deepEqual(restartsIn(story(network)), []);
  assert.deepEqual(
    failed.map(({ host, step }) => `${host} ${step}`),
    ['db2 probe'],
  );
});

test('a host that dies during a roll-out ends it: it does not keep the healthy face of before', async () => {
  const { network, look, apply, cluster } = runOver(
    restartable((script, host) => {
      if (host === 'db1' && script === 'restart') network.lose('db3');
      return '';
    }),
  );
  const { failed } = await apply(await look(restarts(), databaseHosts(cluster)));
  assert.deepEqual(restartsIn(story(network)), ['restart db1']);
  assert.deepEqual(
    failed.map(({ host }) => host),
    ['db3'],
  );
});

test('a gate that says no is asked again until it says yes', async () => {
  let asked = 0;
  const gate = () => (++asked < 5 ? { ok: false as const, reasons: ['not yet'] } : { ok: true as const });
  const { network, look, apply, cluster } = runOver(restartable());
  const { failed } = await apply(await look(restarts({ gate }), databaseHosts(cluster)));
  assert.deepEqual(failed, []);
  assert.equal(restartsIn(story(network)).length, 3);
});

test('a gate that goes on saying no ends the run after two minutes, with its reason and nothing changed', async () => {
  const gate = () => ({ ok: false as const, reasons: ['db2 is behind'] });
  const { network, look, apply, cluster } = runOver(restartable());
  const found = await look(restarts({ gate }), databaseHosts(cluster));
  const began = network.clock.now();
  const { failed } = await apply(found);
  assert.deepEqual(restartsIn(story(network)), []);
  assert.match(failed[0]!.message, /db2 is behind\. Nothing was changed here/);
  const waited = network.clock.now() - began;
  assert.ok(waited >= 120_000 && waited < 125_000, `${waited} ms`);
});

test('what is as planned by the time that a gate looks is told as done, and not done again', async () => {
  let meanwhile = false;
  const { network, look, apply, cluster } = runOver(
    restartable((script, host) =>
      meanwhile && host === 'db2' ? (probed(script, { 'kind:restarted': 'yes' }) ?? '') : '',
    ),
  );
  const found = await look(restarts(), databaseHosts(cluster));
  network.heard.length = 0;
  meanwhile = true;
  const { done, failed } = await apply(found);
  assert.deepEqual(failed, []);
  assert.deepEqual(restartsIn(story(network)), ['restart db1', 'restart db3']);
  assert.deepEqual(done.map(({ host }) => host).sort(), ['db1', 'db2', 'db3']);
});
