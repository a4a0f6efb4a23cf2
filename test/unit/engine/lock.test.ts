import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lockAll } from '../../../src/engine/lock.ts';
import { survey } from '../../../src/engine/survey.ts';
import { Locked } from '../../../src/errors.ts';
import { ROLE_NAMES } from '../../../src/roles.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { FakeNetwork, inTime } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { restartable, restarts, runOver } from './run.ts';

const quiet = (script: string): string => probed(script) ?? '';
const lockers = ({ heard }: FakeNetwork): string[] =>
  heard.filter(({ script }) => script.includes('flock -w')).map(({ host }) => host);

test("with every number of forks and in any order the first host's lock is taken first, and nobody waits for ever", async () => {
  const { cluster } = runOver(quiet);
  const names = cluster.hosts.map(({ name }) => name);
  const first = [...names].sort()[0];
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([...cluster.hosts], { minLength: cluster.hosts.length }),
      fc.integer({ min: 1, max: cluster.hosts.length + 1 }),
      fc.boolean(),
      async (hosts, forks, probing) => {
        const { network, session, locking, look } = runOver(quiet, { forks });
        await session.openAll(hosts);
        await inTime(
          `${forks} forks over ${hosts.map(({ name }) => name).join()}`,
          probing ? look([], hosts).then(() => undefined) : lockAll(session, hosts, locking),
        );
        assert.deepEqual(network.locked, [...names].sort());
        assert.equal(lockers(network)[0], first);
        assert.equal(lockers(network).length, hosts.length, 'each once');
      },
    ),
    { numRuns: 25 },
  );
});

test('of two runs over the same hosts exactly one gets them, and the other holds none and names it', async () => {
  const network = new FakeNetwork(quiet);
  const [one, other] = [runOver(quiet, { network }), runOver(quiet, { network })];
  const results = await Promise.allSettled([one.begin(), other.begin([...other.cluster.hosts].reverse())]);
  const lost = results.filter((result) => result.status === 'rejected');
  assert.equal(lost.length, 1);
  assert.ok(lost[0]!.reason instanceof Locked);
  assert.match(lost[0]!.reason.message, /^backup: locked by another run/);
  assert.deepEqual(network.locked, one.cluster.hosts.map(({ name }) => name).sort());
});

for (const host of ['backup', 'proxy2'])
  test(`apply --lock-wait longer than a probe may take waits that long for ${host}`, async () => {
    const { network, session, cluster, locking } = runOver(restartable());
    network.lockedElsewhere(host);
    network.clock.in(200_000, () => network.lockedElsewhere(host, false));
    await session.openAll(cluster.hosts);
    const began = network.clock.now();
    const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };
    const lock = { ...locking, waitSeconds: 300 };
    await inTime('the lock', survey(session, restarts(), scope, await SecretStore.create(cluster), { lock }));
    assert.ok(network.locked.includes(host));
    assert.ok(network.clock.now() - began >= 200_000);
  });

test('a lock that another run keeps ends the run when its patience is over', async () => {
  const { network, session, cluster, locking } = runOver(restartable());
  network.lockedElsewhere('db2');
  await session.openAll(cluster.hosts);
  const began = network.clock.now();
  await assert.rejects(lockAll(session, cluster.hosts, { ...locking, waitSeconds: 90 }), /db2: locked by another run/);
  assert.ok(network.clock.now() - began >= 90_000);
});

test('a look takes no lock', async () => {
  const { network, session, cluster } = runOver(restartable());
  await session.openAll(cluster.hosts);
  const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };
  await survey(session, restarts(), scope, await SecretStore.create(cluster));
  assert.deepEqual(lockers(network), []);
});
