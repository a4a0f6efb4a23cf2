import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settledStatus, takeStatus } from '../../../src/run/status.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { type FakeHost, healthyHosts, hostsWithBackup } from '../../support/fake-hosts.ts';
import { inTime } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { runOver } from '../engine/run.ts';

/** The healthy lab, whose Patroni on db1 is silent for so long (ms). */
function silentFor(ms: number) {
  const hosts = {
    ...healthyHosts(),
    backup: { sections: { ...healthyHosts().backup!.sections, ...hostsWithBackup().backup!.sections } },
  } as Record<string, FakeHost>;
  let isSilent = true;
  const run = runOver((script, host) => {
    const { sections } = hosts[host] ?? {};
    return probed(script, isSilent && host === 'db1' ? { ...sections, patroni: '\n\n28' } : sections) ?? '';
  });
  run.network.clock.in(ms, () => {
    isSilent = false;
  });
  return run;
}

test('while a cluster settles only what moves is asked, once a second; everything is asked at the beginning and at the end', async () => {
  const { op, begin, network } = silentFor(4500);
  await begin();
  network.heard.length = 0;
  const began = network.clock.now();
  await inTime('the status', settledStatus(op.session, op.cluster, await SecretStore.create(op.cluster), 60_000));
  const waited = network.clock.now() - began;
  assert.ok(waited >= 4500 && waited < 7000, `${waited} ms`);
  const asked = network.heard
    .filter(({ host }) => host === 'db1')
    .map(({ script }) => script.includes(' certificates begin'));
  assert.equal(asked[0], true);
  assert.deepEqual(asked.slice(1, 5), [false, false, false, false]);
  assert.ok(asked.slice(5).some(Boolean), 'the verdict is of everything');
});

test('a cluster that does not settle is looked at until the time is over', async () => {
  const { op, begin, network } = silentFor(86_400_000);
  await begin();
  const began = network.clock.now();
  const status = await inTime(
    'the status',
    settledStatus(op.session, op.cluster, await SecretStore.create(op.cluster), 60_000),
  );
  assert.ok(!status.healthy);
  assert.ok(network.clock.now() - began >= 60_000);
});

test('what is left under the lock of this run is a leftover, and under that of another one its work', async () => {
  const problems = async (holder: string) => {
    const { op, begin, cluster } = runOver(
      (script, host) => probed(script, host === 'db1' ? { pending: 'reload:patroni.service', holder } : {}) ?? '',
    );
    await begin();
    const text = holder.replace('OWN', op.session.options.run);
    assert.ok(text);
    const status = await takeStatus(op.session, cluster, cluster.hosts, undefined);
    return { codes: status.problems.map(({ code }) => code), run: op.session.options.run };
  };
  const { run, codes } = await problems(JSON.stringify({ run: 'another', command: 'apply' }));
  assert.ok(!codes.includes('pending_handler'));
  const next = run.replace(/\d+$/, (number) => String(Number(number) + 1));
  assert.ok((await problems(JSON.stringify({ run: next, command: 'update' }))).codes.includes('pending_handler'));
});
