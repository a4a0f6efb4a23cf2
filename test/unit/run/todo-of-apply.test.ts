import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadInventory } from '../../../src/inventory/load.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { fakeHosts } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

test('an apply that has changed a host asks it at the end what it wants of a person', async (context) => {
  const wish = 'reboot kernel 6.2 is installed, 6.1 runs\n';
  const fakes = await fakeHosts({ db1: { answers: { '/run/reboot-required': wish } } }, { small: true });
  context.after(() => fakes.close());
  const { cluster } = loadInventory(fakes.inventory);
  await (await SecretStore.create(cluster)).save();
  const { out, err } = await inProcess(['apply', '--yes', '-i', fakes.inventory, '-o', 'json']);
  const document = JSON.parse(out) as { todo: string[]; changes: { host: string }[] };
  assert.ok(
    document.changes.some(({ host }) => host === 'db1'),
    err,
  );
  assert.ok(
    document.todo.includes('db1 wants a reboot (kernel 6.2 is installed, 6.1 runs): "hapg update --limit db1"'),
    document.todo.join('\n'),
  );
});
