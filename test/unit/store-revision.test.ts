import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { apply, identityOnly } from '../../playbooks/apply.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { readSetup } from '../../src/run/setup.ts';
import { confirmUnchanged } from '../../src/run/unchanged.ts';
import { Secret } from '../../src/secret.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { contextFor } from './model.ts';
import { applied, clusterIn, OPTIONS, refused, root, storedIn, TEXT } from './store.ts';

test('of two runs with one store the second to save refuses, and says who was first', async () => {
  const cluster = clusterIn('two');
  await applied(cluster);
  const [rotates, waits] = [(await SecretStore.read(cluster))!, (await SecretStore.read(cluster))!];
  await rotates.stageRotation(['superuser'], []);
  await rotates.promoteSystem();
  const says = refused(/changed while this run waited \(revision 1 → revision 3, by .*@.* at 20.*\): run again/);
  await assert.rejects(waits.confirmUnchanged(), says);
  await assert.rejects(waits.setExternalSecret('key', new Secret('value')), says);
  const now = (await SecretStore.read(cluster))!;
  assert.equal(now.password('superuser').reveal(), rotates.password('superuser').reveal());
  await now.setExternalSecret('key', new Secret('value'));
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
  await raises(1, () => store.setExternalSecret('s3-key-b', new Secret('one')));
  await raises(0, () => store.setExternalSecret('s3-key-b', new Secret('one')));
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

const MAIN = readFileSync('inventory/multi-dc.yaml', 'utf8').replace(
  /^hosts:/m,
  'standbys: {pgfar: [10.1.14.0/24]}\n\nhosts:',
);
const BY_OUTPUT =
  'cluster: cloud\nhosts: {from: terraform.json, outputs: {ips: {prefix: pg, roles: [etcd, patroni]}}}\n';
const addresses = (last: number) => JSON.stringify({ ips: { value: ['10.0.0.1', '10.0.0.2', `10.0.0.${last}`] } });

for (const [name, files, change, says] of [
  ['nothing', { 'own.yaml': TEXT }, () => undefined, undefined],
  [
    'a comment in the inventory',
    { 'own.yaml': TEXT },
    (directory) => writeFileSync(join(directory, 'own.yaml'), `# mine\n${TEXT}`),
    /own\.yaml changed while this run waited; nothing was done: run again/,
  ],
  [
    'the inventory, which is gone',
    { 'own.yaml': TEXT },
    (directory) => unlinkSync(join(directory, 'own.yaml')),
    /own\.yaml changed/,
  ],
  [
    "Terraform's addresses",
    { 'own.yaml': BY_OUTPUT, 'terraform.json': addresses(3) },
    (directory) => writeFileSync(join(directory, 'terraform.json'), addresses(4)),
    /a file that .*own\.yaml takes its hosts from changed/,
  ],
  [
    'the inventory of the source',
    { 'multi-dc.yaml': MAIN, 'own.yaml': readFileSync('inventory/standby.yaml', 'utf8') },
    (directory) => writeFileSync(join(directory, 'multi-dc.yaml'), MAIN.replace('rto: fast', 'rto: norm')),
    /multi-dc\.yaml changed/,
  ],
] as [string, Record<string, string>, (directory: string) => void, RegExp | undefined][])
  test(`with the locks held, a run looks at what it has read: ${name} was changed meanwhile`, async () => {
    const directory = join(root, `waited-${name.replaceAll(/\W/g, '-')}`);
    mkdirSync(directory);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
    for (const file of Object.keys(files).filter((one) => one.endsWith('.yaml') && one !== 'own.yaml'))
      await (await SecretStore.create(readSetup({ ...OPTIONS, inventory: join(directory, file) }).cluster)).save();
    const made = readSetup({ ...OPTIONS, inventory: join(directory, 'own.yaml') }, (text) =>
      text.replace(/$/, '# edited\n'),
    );
    const store = await SecretStore.create(made.cluster);
    change(directory);
    if (says) await assert.rejects(confirmUnchanged(made, store), refused(says));
    else await confirmUnchanged(made, store);
  });

test('an unchanged inventory beside a changed store is refused, too', async () => {
  const directory = join(root, 'waited-store');
  mkdirSync(directory);
  writeFileSync(join(directory, 'own.yaml'), TEXT);
  const made = readSetup({ ...OPTIONS, inventory: join(directory, 'own.yaml') });
  await applied(made.cluster);
  const store = (await SecretStore.read(made.cluster))!;
  await applied(made.cluster, (one) => one.stageRotation(['rest'], []));
  await assert.rejects(confirmUnchanged(made, store), refused(/the secret store in .* changed while this run waited/));
});

test('the hosts are told the revision and nothing else, by the same step as in every apply', async () => {
  const cluster = clusterIn('told');
  const store = await applied(cluster);
  const context = { ...(await contextFor(cluster)), secrets: store };
  for (const host of cluster.hosts) {
    const steps = (playbook: typeof apply) =>
      allSteps(playbook, host, context, { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) }).flatMap(
        (one) => one.steps,
      );
    const told = steps(identityOnly);
    assert.deepEqual(told, steps(apply).slice(0, told.length));
    const { path, content } = told.at(-1)!.want as { path: string; content: string };
    assert.equal(path, '/etc/hapg/cluster.json');
    const { revision, revision_id, generation } = JSON.parse(content);
    assert.deepEqual(
      { revision, revision_id, generation },
      { revision: 1, revision_id: store.known().lineage!.at(-1), generation: 1 },
    );
  }
});
