import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadInventory } from '../../../src/inventory/load.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { fakeHosts } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

test('apply --probe ends its load when the work cannot even begin', async (context) => {
  const fakes = await fakeHosts();
  context.after(() => fakes.close());
  const { cluster } = loadInventory(fakes.inventory);
  await (await SecretStore.create(cluster)).save();
  // The journal cannot be written.
  const journal = join(cluster.stateDir, 'journal');
  mkdirSync(cluster.stateDir, { recursive: true });
  rmSync(journal, { recursive: true, force: true });
  writeFileSync(journal, '');
  const { code, out, err } = await inProcess(['apply', '--probe', '--yes', '-i', fakes.inventory]);
  assert.notEqual(code, 0);
  const onClient = fakes.scripts.filter(({ host }) => host === 'client').map(({ script }) => script);
  const started = onClient.findIndex((script) => script.includes('--unit=hapg-load'));
  const ended = onClient.findIndex((script) => script.includes('rm -f alive'));
  assert.ok(started >= 0 && ended > started, `${started} ${ended}\n${out}${err}`);
});
