import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { settleAll } from '../../../src/engine/pool.ts';
import { Unreachable } from '../../../src/errors.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import type { Machine } from '../../../src/transport/machine.ts';
import { overSsh } from '../../../src/transport/ssh.ts';
import type { Transport } from '../../../src/transport/target.ts';
import { behindBastion, dropping } from '../../support/bastion.ts';

const TIMEOUT_MS = 2500;
const ends: (() => void)[] = [];
after(() => {
  for (const end of ends) end();
});

/** The network of an inventory, and how to get to one of its hosts. */
function networkOf(inventory: string, transport: Transport, timeoutMs = TIMEOUT_MS) {
  writeFileSync(inventory, readFileSync(inventory, 'utf8').replace(/^ {2}user: .*$/m, `$&\n  transport: ${transport}`));
  const { cluster } = loadInventory(inventory);
  const network = overSsh({ flags: {}, credentials: {}, timeoutMs });
  const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
  const dial = (name: string, alone = false) => network.dial(cluster, host(name), { alone });
  return { cluster, dial };
}

async function bastion(transport: Transport, options: Parameters<typeof behindBastion>[0] = {}) {
  const one = await behindBastion(options);
  ends.push(one.close);
  return { ...one, ...networkOf(one.inventory, transport) };
}

const answers = async (machine: Machine): Promise<boolean> =>
  (await machine.run('true', { timeoutMs: 5000 })).code === 0;

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 300, `not so: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

for (const transport of ['node-ssh', 'openssh'] as const)
  describe(`by ${transport}`, () => {
    test('all hosts behind a bastion share one login there, so that it drops nobody', async () => {
      const { cluster, dial, counts, open } = await bastion(transport);
      const machines = await Promise.all(cluster.hosts.map(({ name }) => dial(name)));
      assert.deepEqual(counts, { logins: 1, dropped: 0 });
      assert.ok((await Promise.all(machines.map(answers))).every(Boolean));
      for (const machine of machines) machine.close();
      await until('the login ends with its last user', () => open() === 0);
    });

    test('an address that swallows everything behind a bastion costs the connect time-out, and delays nobody', async () => {
      const { cluster, dial } = await bastion(transport, { away: ['db2'] });
      const took = new Map<string, number>();
      const began = performance.now();
      const results = await settleAll(cluster.hosts, 50, async ({ name }) => {
        try {
          (await dial(name)).close();
        } finally {
          took.set(name, performance.now() - began);
        }
      });
      for (const [index, { name }] of cluster.hosts.entries()) {
        const result = results[index]!;
        if (name === 'db2') {
          assert.equal(result.status, 'rejected');
          assert.match(
            String((result as PromiseRejectedResult).reason),
            /db2: unreachable: .*192\.0\.2\.1.*: no answer within 2\.5 s/,
          );
        } else {
          assert.equal(result.status, 'fulfilled', name);
          assert.ok(took.get(name)! < TIMEOUT_MS, `${name} after ${took.get(name)} ms`);
        }
      }
      // How much later it is given up depends on the load of this machine.
      assert.ok(took.get('db2')! >= TIMEOUT_MS, `${took.get('db2')} ms`);
    });

    test('a bastion that was away is logged in to again, once for all', async () => {
      const { dial, counts, cut, open } = await bastion(transport);
      const before = await Promise.all(['db1', 'db2'].map((name) => dial(name)));
      cut();
      await until('the bastion has lost them', () => open() === 0);
      for (const machine of before) await assert.rejects(answers(machine), /the connection was lost/);
      const machines = await Promise.all(['db1', 'db2'].map((name) => dial(name)));
      assert.ok((await Promise.all(machines.map(answers))).every(Boolean));
      assert.equal(counts.logins, 2);
      for (const machine of machines) machine.close();
    });

    test('the proof of a login goes every step of the way anew', async () => {
      const { dial, counts } = await bastion(transport);
      const machine = await dial('db1');
      (await dial('db1', true)).close();
      assert.equal(counts.logins, 2);
      assert.ok(await answers(machine), 'and its end is not the end of the others');
      machine.close();
    });

    test('a bastion that cannot be logged in to is the reason for everybody behind it', async () => {
      const { dial, shut } = await bastion(transport);
      shut();
      const results = await Promise.allSettled(['db1', 'db2'].map((name) => dial(name)));
      for (const result of results) {
        assert.equal(result.status, 'rejected');
        assert.ok(result.reason instanceof Unreachable);
        assert.match(result.reason.message, /jump host 127\.0\.0\.1: .*connection refused/);
      }
    });

    for (const times of [1, 2])
      test(`a login that sshd drops ${times === 1 ? 'once' : 'twice'} before it says who it is is tried again`, async () => {
        const one = await dropping(times);
        ends.push(one.close);
        const machine = await networkOf(one.inventory, transport).dial('db1');
        assert.ok(await answers(machine));
        assert.equal(one.connections(), times + 1);
        machine.close();
      });

    test('a host that drops every login is given up after three', async () => {
      const one = await dropping(1000);
      ends.push(one.close);
      await assert.rejects(
        networkOf(one.inventory, transport).dial('db1'),
        /db1: unreachable: .*sshd ended the connection before the login/,
      );
      assert.equal(one.connections(), 3);
    });
  });
