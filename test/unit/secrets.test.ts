import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { parseInventory } from '../../src/inventory/load.ts';
import { createAuthority, leafProblem, signLeaf } from '../../src/pki/authority.ts';
import { Secret } from '../../src/secret.ts';
import { inventoryDigest } from '../../src/secrets/inventory-digest.ts';
import { redact } from '../../src/secrets/redact.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { storeFile } from '../../src/secrets/store-file.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-secrets-'));
after(() => rmSync(root, { recursive: true, force: true }));
const clusterIn = (directory: string, more = '') =>
  parseInventory(readFileSync('inventory/lab.yaml', 'utf8') + more, join(root, directory, 'lab.yaml')).cluster;

test('a secret shows nowhere', () => {
  const secret = new Secret('hunter2hunter2');
  for (const shown of [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: [secret] }, { depth: 9 }),
  ])
    assert.doesNotMatch(shown, /hunter2/);
  assert.equal(redact('password=hunter2hunter2 failed', [secret]), 'password=[redacted] failed');
});

test('a store is made once, kept for its owner only, and only ever added to', async () => {
  const cluster = clusterIn('plain');
  assert.equal(await SecretStore.read(cluster), undefined);
  const made = await SecretStore.create(cluster);
  await made.save();
  assert.equal(statSync(storeFile(cluster)).mode & 0o777, 0o600);
  assert.equal(statSync(cluster.stateDir).mode & 0o777, 0o700);
  const more = clusterIn('plain', '').settings;
  more.postgres.users.push({ name: 'second', roles: [] });
  const again = (await SecretStore.read({ ...cluster, settings: more }))!;
  await again.complete();
  assert.equal(again.password('superuser').reveal(), made.password('superuser').reveal());
  assert.equal(again.userPassword('app').reveal(), made.userPassword('app').reveal());
  assert.ok(again.userPassword('second').reveal().length > 20);
  assert.equal(again.identity().uuid, made.identity().uuid);
  assert.equal(again.identity().generation, made.identity().generation + 1, 'another inventory is another generation');
});

test("an operator's own way in is no other generation; the login name and jump hosts are, for hosts see them", () => {
  const { settings } = clusterIn('generation');
  const digest = inventoryDigest(settings);
  const withSsh = (ssh: Partial<typeof settings.ssh>) =>
    inventoryDigest({ ...settings, ssh: { ...settings.ssh, ...ssh } });
  for (const own of [{ transport: 'openssh' as const }, { port: 2222 }, { key: 'mine' }])
    assert.equal(withSsh(own), digest);
  for (const seen of [{ user: 'someone' }, { jump: 'gate' }]) assert.notEqual(withSsh(seen), digest);
  assert.notEqual(inventoryDigest({ ...settings, rto: 'wide' }), digest);
});

test('a store for age recipients is encrypted, and read with the identity', async () => {
  const identity = await generateIdentity();
  const cluster = clusterIn('age', `secrets: {recipients: [${await identityToRecipient(identity)}]}\n`);
  writeFileSync(join(root, 'identity.txt'), `${identity}\n`);
  process.env.HAPG_AGE_IDENTITY = join(root, 'identity.txt');
  const made = await SecretStore.create(cluster);
  await made.save();
  assert.deepEqual(readdirSync(cluster.stateDir), ['secrets.age']);
  assert.ok(!readFileSync(storeFile(cluster), 'latin1').includes(made.password('rest').reveal()));
  assert.equal((await SecretStore.read(cluster))!.password('rest').reveal(), made.password('rest').reveal());
  process.env.HAPG_AGE_IDENTITY = join(root, 'nowhere.txt');
  await assert.rejects(SecretStore.read(cluster), /Name your age identity file/);
});

test('a leaf is signed for the names of the model, verified by openssl, and renewed below a third of its life', async () => {
  const authority = await createAuthority('main', 'postgres');
  const names = { commonName: 'db1', dns: ['db1'], ips: ['10.0.0.1', 'fd00::1'] };
  const request = execFileSync(
    'openssl',
    [
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      join(root, 'key'),
      '-subj',
      '/CN=somebody else',
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  ).toString();
  const leaf = await signLeaf(authority, request, names);
  writeFileSync(join(root, 'ca.crt'), authority.certificate);
  writeFileSync(join(root, 'leaf.crt'), leaf);
  assert.match(
    execFileSync('openssl', [
      'verify',
      '-CAfile',
      join(root, 'ca.crt'),
      '-verify_ip',
      '10.0.0.1',
      join(root, 'leaf.crt'),
    ]).toString(),
    /OK/,
  );
  assert.equal(new X509Certificate(leaf).subject, 'CN=db1', 'the subject of the request counts for nothing');
  const day = 86_400_000;
  assert.equal(leafProblem(leaf, authority, names, Date.now()), undefined);
  assert.match(leafProblem(leaf, authority, names, Date.now() + 260 * day)!, /expires on/);
  assert.match(leafProblem(leaf, await createAuthority('main', 'etcd'), names, Date.now())!, /another authority/);
  assert.match(
    leafProblem(leaf, authority, { ...names, ips: [...names.ips, '10.0.0.9'] }, Date.now())!,
    /lacks ip address:10.0.0.9/,
  );
  assert.match(leafProblem(leaf, authority, { ...names, dns: [] }, Date.now())!, /too many names: dns:db1/);
  const signedAt = Date.parse(new X509Certificate(leaf).validFrom) + day;
  assert.equal(leafProblem(leaf, authority, names, Date.now(), signedAt + 999), undefined, 'ordered in that second');
  assert.equal(leafProblem(leaf, authority, names, Date.now(), signedAt + 1000), 'to be renewed');
  await assert.rejects(signLeaf(authority, request.replace(/M/, 'N'), names));
});
