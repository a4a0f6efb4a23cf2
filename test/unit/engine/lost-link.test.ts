import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdict } from '../../../src/decisions/verdict.ts';
import { StepFailed } from '../../../src/errors.ts';
import { type Answer, HANGS, inTime } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { runOver } from './run.ts';

const quiet: Answer = (script) => probed(script) ?? '';
const logins = (dialled: readonly string[], host: string): number => dialled.filter((one) => one === host).length;

test('a host whose link was lost is dialled and locked again by the next look', async () => {
  const { network, op, begin } = runOver(quiet);
  await begin();
  network.lose('db2');
  assert.ok(!network.locked.includes('db2'));
  assert.ok((await op.observe()).observations.has('db2'));
  assert.equal(logins(network.dialled, 'db2'), 2);
  assert.ok(network.locked.includes('db2'));
});

test('a host whose link is lost during a look is silent, not healthy; the next look dials it again', async () => {
  let lose = false;
  const { network, op, begin, cluster } = runOver((script, host) => {
    if (lose && host === 'db2') network.lose('db2');
    return quiet(script, host);
  });
  await begin();
  lose = true;
  const without = await op.observe();
  lose = false;
  assert.deepEqual(
    cluster.hosts.filter(({ name }) => !without.observations.has(name)).map(({ name }) => name),
    ['db2'],
  );
  const again = await op.observe();
  assert.ok(again.observations.has('db2'));
  assert.equal(logins(network.dialled, 'db2'), 2);
  assert.ok(network.locked.includes('db2'));
});

test('a host that stays away is silent in every look, and the others are heard', async () => {
  const { network, op, begin, cluster } = runOver(quiet);
  await begin();
  network.unreachable.add('db2');
  network.lose('db2');
  for (let looks = 0; looks < 3; looks++) {
    const { observations } = await op.observe();
    assert.equal(observations.size, cluster.hosts.length - 1);
    assert.ok(!observations.has('db2'));
  }
});

test('a host whose lock another run has taken meanwhile is not worked on', async () => {
  const { network, op, session, begin, host } = runOver(quiet);
  await begin();
  network.lose('db2');
  network.lockedElsewhere('db2');
  await op.observe();
  for (let looks = 0; looks < 2; looks++) assert.ok(!(await op.observe()).observations.has('db2'));
  assert.equal(session.isOpen(host('db2')), false);
  await assert.rejects(op.ask(host('db2'), 'stop', 'systemctl stop patroni'), StepFailed);
});

test('a host that answers nothing any more is given up after the time of a probe, and the others are heard', async () => {
  let hangs = false;
  const { network, op, begin, cluster } = runOver((script, host) =>
    hangs && host === 'db3' ? HANGS : quiet(script, host),
  );
  await begin();
  hangs = true;
  const began = network.clock.now();
  const { observations } = await inTime('the look', op.observe());
  assert.equal(observations.size, cluster.hosts.length - 1);
  assert.ok(network.clock.now() - began <= 60_000);
});

test('a wait says the reason that it had last when its time is over', async () => {
  const { network, op, begin, host } = runOver(quiet);
  await begin();
  const judge = () => verdict([`db1 lags at ${network.clock.now() % 10}`, 'and more']);
  await assert.rejects(op.until(host('db1'), 'gate', 30, judge), {
    name: 'StepFailed',
    message: /^db1: gate: not so within 30 s: db1 lags at \d; and more$/,
  });
});

test('a wait goes on over a lost link', async () => {
  const { network, op, begin, host } = runOver(quiet);
  await begin();
  network.clock.in(2000, () => network.lose('db1'));
  let looks = 0;
  await op.until(host('db1'), 'gate', 60, ({ observations }) => {
    looks++;
    return verdict(network.clock.now() % 100_000 >= 5000 && observations.has('db1') ? [] : ['not yet']);
  });
  assert.ok(looks > 3);
  assert.equal(logins(network.dialled, 'db1'), 2);
});

test('a reboot is over when another boot answers, and the host is locked again', async () => {
  let boot = 'one';
  const { network, op, begin, host } = runOver((script, name) => {
    if (script.includes('boot_id')) return boot;
    if (script.includes('systemctl') && script.includes('reboot')) {
      network.clock.in(500, () => {
        network.unreachable.add(name);
        network.lose(name);
      });
      network.clock.in(40_000, () => {
        boot = 'two';
        network.unreachable.delete(name);
      });
    }
    return quiet(script, name);
  });
  await begin();
  const began = network.clock.now();
  await inTime('the reboot', op.reboot(host('db1'), 600));
  assert.ok(network.clock.now() - began >= 40_000);
  assert.ok(network.locked.includes('db1'));
});

test('a host that does not come back fails its reboot when its time is over', async () => {
  const { network, op, begin, host } = runOver((script, name) => {
    if (script.includes('reboot') && !script.includes('boot_id')) network.unreachable.add(name);
    return script.includes('boot_id') ? 'one' : quiet(script, name);
  });
  await begin();
  await inTime('the reboot', assert.rejects(op.reboot(host('db1'), 120), /not back within 120 s/), 10_000);
});
