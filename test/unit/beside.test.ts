import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Session } from '../../src/engine/session.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { overSsh } from '../../src/transport/ssh.ts';
import { type FakeHost, fakeHosts } from '../support/fake-hosts.ts';

/** A session with one fake host that hangs at `forever`. */
async function sessionWith(fake: FakeHost) {
  const fakes = await fakeHosts({ db1: { hangsAt: 'forever', ...fake } });
  const { cluster } = loadInventory(fakes.inventory);
  const session = new Session(cluster, {
    network: overSsh({ flags: {}, credentials: {} }),
    forks: 5,
    emit: () => undefined,
    run: 'r',
    secrets: () => [],
  });
  after(() => {
    session.close();
    fakes.close();
  });
  const db1 = cluster.hosts.find(({ name }) => name === 'db1')!;
  await session.open(db1);
  return { session, db1 };
}

test('a beat does not wait for a script that takes long: it has a channel of its own', async () => {
  const { session, db1 } = await sessionWith({ answers: { beat: 'beaten' } });
  const long = session.ask(db1, 'forever', 600);
  long.catch(() => undefined);
  const { output } = await session.beside(db1, 'beat', 10);
  assert.match(output, /beaten/);
  // The same channel serves the next one.
  assert.match((await session.beside(db1, 'beat', 10)).output, /beaten/);
});

test('where sshd allows one channel only a beat waits for its turn', async () => {
  const { session, db1 } = await sessionWith({ answers: { beat: 'beaten', short: 'done' }, channels: 1 });
  const first = session.ask(db1, 'short', 10);
  assert.match((await session.beside(db1, 'beat', 10)).output, /beaten/);
  assert.match((await first).output, /done/);
});

test('a second channel that was lost is opened again', async () => {
  const { session, db1 } = await sessionWith({ answers: { beat: 'beaten' } });
  await assert.rejects(session.beside(db1, 'forever', 0.2), /no answer within/);
  assert.match((await session.beside(db1, 'beat', 10)).output, /beaten/);
  assert.match((await session.ask(db1, 'beat', 10)).output, /beaten/);
});

test('a host that is not connected is not beaten for', async () => {
  const { session, db1 } = await sessionWith({});
  session.disconnect(db1);
  await assert.rejects(session.beside(db1, 'beat', 10), /not connected/);
});
