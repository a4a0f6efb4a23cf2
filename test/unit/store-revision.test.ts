import assert from 'node:assert/strict';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { Secret } from '../../src/secrets/secret.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { applied, clusterIn, refused, storedIn } from './store.ts';

test('of two runs with one store the second to save refuses, and says who was first', async () => {
  const cluster = clusterIn('two');
  await applied(cluster);
  const [rotates, waits] = [(await SecretStore.read(cluster))!, (await SecretStore.read(cluster))!];
  await rotates.stageRotation(['superuser'], []);
  await rotates.promoteSystem();
  const says = refused(/changed while this run waited \(revision 1 → revision 3, by .*@.* at 20.*\): run again/);
  await assert.rejects(waits.confirmUnchanged(), says);
  await assert.rejects(waits.give('key', new Secret('value')), says);
  const now = (await SecretStore.read(cluster))!;
  assert.equal(now.password('superuser').reveal(), rotates.password('superuser').reveal());
  await now.give('key', new Secret('value'));
  unlinkSync(join(cluster.stateDir, 'secrets.yaml'));
  await assert.rejects(now.confirmUnchanged(), refused(/changed while this run waited \(it is gone\)/));
});

test('of two runs that both make a first store the second refuses', async () => {
  const cluster = clusterIn('first');
  const [one, two] = [await SecretStore.create(cluster), await SecretStore.create(cluster)];
  await one.save();
  await assert.rejects(two.save(), refused(/revision none → revision 1/));
  assert.equal((await storedIn(cluster)).uuid, one.identity().uuid);
});

test('whoever only looks at the secrets disturbs no run that changes them', async () => {
  const cluster = clusterIn('looks');
  await applied(cluster);
  const rotates = (await SecretStore.read(cluster))!;
  await rotates.stageRotation(['rest'], []);
  const looks = (await SecretStore.read(cluster))!;
  looks.noteShown();
  await rotates.promoteSystem();
  assert.ok((await SecretStore.read(cluster))!.shown);
  assert.equal((await SecretStore.read(cluster))!.identity().revision, rotates.identity().revision);
});

test('the models of one run share one store, so that it does not stand in its own way', async () => {
  const cluster = clusterIn('through');
  const store = await applied(cluster);
  const changed = store.through(clusterIn('through', [], ['second']));
  await changed.complete();
  await changed.save();
  await store.stageRotation(['rest'], []);
  assert.ok((await storedIn(cluster)).users.second);
});

test('every change is one revision, and what is no change is none', async () => {
  const cluster = clusterIn('revisions');
  const store = await applied(cluster);
  const at = () => store.identity().revision;
  const seen: string[] = [];
  const raises = async (by: number, change: () => unknown) => {
    const before = at()!;
    await change();
    assert.equal(at()! - before, by, String(change));
    const { revision_id } = store.identity();
    if (by > 0) assert.ok(!seen.includes(revision_id!));
    seen.push(revision_id!);
  };
  assert.equal(at(), 1);
  await raises(1, () => store.stageRotation(['superuser'], ['app']));
  await raises(0, () => store.stageRotation(['superuser'], ['app']));
  await raises(1, () => store.promoteSystem());
  await raises(1, () => store.promoteUser('app'));
  await raises(0, () => store.promoteUser('app'));
  for (let phase = 0; phase < 3; phase++) await raises(1, () => store.advanceAuthority('etcd'));
  await raises(1, () => store.give('s3-key-b', new Secret('one')));
  await raises(0, () => store.give('s3-key-b', new Secret('one')));
  await raises(0, () => store.noteShown());
  await raises(0, () => store.complete());
  await raises(1, () => store.through(clusterIn('revisions', [], ['second', 'third'])).complete());
  await raises(0, () => store.save());
  const again = (await SecretStore.read(cluster))!;
  assert.deepEqual(again.identity(), store.identity());
  assert.equal(again.known().lineage!.at(-1), again.identity().revision_id);
});

test('a store of an older hapg has no revision, and its hosts see no change before there is one', async () => {
  const cluster = clusterIn('older');
  await applied(cluster);
  const file = join(cluster.stateDir, 'secrets.yaml');
  const data = parse(readFileSync(file, 'utf8'));
  for (const key of ['revision', 'lineage', 'changed']) delete data[key];
  writeFileSync(file, stringify({ ...data, shown: true }));
  const store = (await SecretStore.read(cluster))!;
  await store.complete();
  assert.ok(!('revision' in store.identity()) && !('revision_id' in store.identity()));
  assert.ok(store.shown);
  await store.stageRotation(['rest'], []);
  assert.equal(store.identity().revision, 1);
});
