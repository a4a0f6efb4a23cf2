import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Encrypter } from 'age-encryption';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { planCommand } from '../../src/commands/apply.ts';
import { renderCommand } from '../../src/commands/render.ts';
import { listSecrets, rotateSecrets } from '../../src/commands/secrets.ts';
import { statusCommand } from '../../src/commands/status.ts';
import { Refused } from '../../src/errors.ts';
import { fromHere } from '../../src/from-here.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { applied, clusterIn, inMemory, me, OPTIONS, refused, root, storedIn, TEXT } from './store.ts';

const whole = await SecretStore.create(clusterIn('whole'));
const good = stringify(await inMemory(whole));
const edited = (change: (data: Record<string, never>) => void): string => {
  const data = parse(good) as Record<string, never>;
  change(data);
  return stringify(data);
};
const other = stringify(await inMemory(await SecretStore.create(clusterIn('whole'))));

const GARBAGE: [name: string, text: string, says: RegExp][] = [
  ['an empty file', '', /is empty, as after a power cut/],
  ['blank lines', ' \n\n', /is empty/],
  ['zeros of a power cut', '\0'.repeat(4096), /is empty/],
  ['a word', 'hello', /is no secret store \(the whole:/],
  ['a list', '- a\n- b\n', /is no secret store/],
  ['null', 'null\n', /is no secret store/],
  ['no YAML', 'a: [1, 2\nb: }', /is no YAML \(line \d+, column \d+: [a-z ]+\)/],
  ['half of it', good.slice(0, good.length / 2), /is no secret store \(|is no YAML \(/],
  ['two documents', `${good}---\n${good}`, /is no YAML/],
  ['a key twice', `${good}uuid: other\n`, /is no YAML \(.*duplicate key\)/],
  ['an alias to nothing', `${good}more: *nowhere\n`, /is no YAML/],
  [
    'the marks of a merge',
    `<<<<<<< HEAD\n${good}=======\n${other}>>>>>>> theirs\n`,
    /holds the marks of a merge \(line 1\).*\/etc\/hapg\/cluster\.json/,
  ],
  [
    'the marks of a merge in the middle',
    good.replace(/^users:/m, '<<<<<<< HEAD\r\nusers:'),
    /marks of a merge \(line \d\d+\)/,
  ],
  ['no passwords', edited((data) => delete data.passwords), /\(passwords: expected names with their secrets\)/],
  [
    'a password that is a number',
    good.replace(/rest: .*/, 'rest: 12'),
    /\(passwords\.rest: expected a text of one line\)/,
  ],
  ['an empty password', good.replace(/rest: .*/, 'rest: ""'), /\(passwords\.rest: expected a text of one line\)/],
  ['no uuid', good.replace(/^uuid: .*\n/m, ''), /\(uuid: /],
  ['a generation that is a text', good.replace(/^generation: .*/m, 'generation: "x"'), /\(generation: /],
  [
    'a certificate that is none',
    good.replace('BEGIN CERTIFICATE', 'BEGIN CERTIFICTE'),
    /\(authorities\.etcd\.certificate: is no certificate/,
  ],
  [
    "another authority's key",
    edited((data) => {
      const authorities = data.authorities as unknown as Record<string, { key: string }>;
      authorities.etcd!.key = authorities.postgres!.key;
    }),
    /\(authorities\.etcd: its key does not belong to its certificate\)/,
  ],
  [
    'no text at all',
    Buffer.from([0xff, 0xfe, 0x00, 0xc0]).toString('latin1'),
    /is no text in UTF-8|is no secret store/,
  ],
];

for (const form of ['secrets.yaml', 'secrets.age'] as const)
  for (const [name, text, says] of GARBAGE)
    test(`a store that is garbage is refused with the file and the cure: ${form} with ${name}`, async () => {
      const cluster = clusterIn(`garbage-${form}-${name.replaceAll(/\W/g, '-')}`, form === 'secrets.age' ? [me] : []);
      mkdirSync(cluster.stateDir, { recursive: true });
      let bytes: Uint8Array = Buffer.from(text, name === 'no text at all' ? 'latin1' : 'utf8');
      if (form === 'secrets.age' && !/power cut/.test(name) && text !== '') {
        const encrypter = new Encrypter();
        encrypter.addRecipient(me);
        bytes = await encrypter.encrypt(bytes);
      }
      const file = join(cluster.stateDir, form);
      writeFileSync(file, bytes);
      await assert.rejects(
        SecretStore.read(cluster),
        (error: Error) =>
          refused(says)(error) &&
          error.message.startsWith(`${fromHere(file)} `) &&
          /bring it back from a backup or from version control$/.test(error.message) &&
          !error.message.includes(whole.password('superuser').reveal()),
      );
      assert.deepEqual(readFileSync(file), Buffer.from(bytes), 'it is left as it is');
    });

for (const [name, bytes, says] of [
  ['a plain text', Buffer.from(good), /secrets\.age is no age file\. It holds all passwords/],
  ['half of an age file', undefined, /secrets\.age is damaged and cannot be decrypted/],
] as const)
  test(`an encrypted store that is ${name} is refused`, async () => {
    const cluster = clusterIn(`half-${name.replaceAll(' ', '-')}`, [me]);
    await applied(cluster);
    const file = join(cluster.stateDir, 'secrets.age');
    const all = readFileSync(file);
    writeFileSync(file, bytes ?? all.subarray(0, all.length / 2));
    await assert.rejects(SecretStore.read(cluster), refused(says));
  });

test('a damaged form beside a whole one is refused, and the other one is named with its date', async () => {
  const cluster = clusterIn('beside');
  await applied(cluster);
  writeFileSync(join(cluster.stateDir, 'secrets.age'), '');
  await assert.rejects(
    SecretStore.read(cluster),
    refused(/secrets\.age is empty.*Beside it is .*secrets\.yaml, modified 20\S+Z/),
  );
});

test('what stands where the store should be is refused: a directory, a link to nothing, a circle, a left-over write', async () => {
  const cases: [string, (file: string) => void, RegExp][] = [
    ['directory', (file) => mkdirSync(file), /secrets\.yaml is a directory: move it away/],
    [
      'nothing',
      (file) => symlinkSync('/nowhere/vault.yaml', file),
      /is a link to \/nowhere\/vault\.yaml, which is not there: mount/,
    ],
    ['circle', (file) => symlinkSync(file, file), /cannot be read: ELOOP; its links go round/],
    [
      'new',
      (file) => writeFileSync(`${file}.new`, good.slice(0, 100)),
      /secrets\.yaml\.new was left by a write that did not come to its end, and there is no secret store/,
    ],
  ];
  for (const [name, make, says] of cases) {
    const cluster = clusterIn(`stands-${name}`);
    mkdirSync(cluster.stateDir, { recursive: true });
    make(join(cluster.stateDir, 'secrets.yaml'));
    await assert.rejects(SecretStore.read(cluster), refused(says), name);
  }
  const cluster = clusterIn('stands-file');
  mkdirSync(join(cluster.stateDir, '..'), { recursive: true });
  writeFileSync(cluster.stateDir, '');
  await assert.rejects(SecretStore.read(cluster), refused(/cannot be read: ENOTDIR/));
  await assert.rejects((await SecretStore.create(cluster)).save(), refused(/cannot be made: EEXIST; a file stands/));
});

test('a store that belongs to somebody else is refused with the cure', { skip: process.getuid?.() !== 0 }, async () => {
  const cluster = clusterIn('foreign');
  await applied(cluster);
  process.seteuid!(65_534);
  try {
    await assert.rejects(
      SecretStore.read(cluster),
      refused(/cannot be read: EACCES; run hapg as the user that owns it/),
    );
  } finally {
    process.seteuid!(0);
  }
});

test('no command ends in a bug on a damaged store', async () => {
  const cluster = clusterIn('commands');
  mkdirSync(cluster.stateDir, { recursive: true });
  writeFileSync(join(cluster.stateDir, 'secrets.yaml'), 'half: [');
  writeFileSync(cluster.file, TEXT);
  const options = { ...OPTIONS, inventory: cluster.file };
  for (const run of [
    () => planCommand({ ...options, doctor: true }),
    () => statusCommand(options),
    () => renderCommand(join(root, 'rendered'), options),
    () => listSecrets([], options as never, false),
    () => listSecrets([], options as never, true),
    () => rotateSecrets([], options as never),
  ])
    await assert.rejects(run, refused(/secrets\.yaml is no YAML/));
});

test('garbage of any kind is Refused, and never shows what is in it', async () => {
  const cluster = clusterIn('fuzz');
  mkdirSync(cluster.stateDir, { recursive: true });
  const file = join(cluster.stateDir, 'secrets.yaml');
  const secret = whole.password('superuser').reveal();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc
          .tuple(fc.nat(good.length - 1), fc.nat(60), fc.string({ maxLength: 5 }))
          .map(([at, length, put]) => Buffer.from(good.slice(0, at) + put + good.slice(at + length))),
        fc.json().map((text) => Buffer.from(text)),
      ),
      async (bytes) => {
        writeFileSync(file, bytes);
        try {
          const store = (await SecretStore.read(cluster))!;
          store.known();
          store.all();
          store.noteShown();
          await store.complete();
        } catch (error) {
          assert.ok(error instanceof Refused, (error as Error).stack);
          assert.ok(!error.message.includes(secret), error.message);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("a newer hapg's keys stay when an older one writes the store", async () => {
  const cluster = clusterIn('newer');
  await applied(cluster);
  const file = join(cluster.stateDir, 'secrets.yaml');
  const data = parse(readFileSync(file, 'utf8'));
  data.tokens = { api: 'abc' };
  data.authorities.etcd.serial = 7;
  writeFileSync(file, stringify(data));
  await applied(cluster, (store) => store.stageRotation(['rest'], []));
  const after = (await storedIn(cluster)) as unknown as typeof data;
  assert.deepEqual(after.tokens, { api: 'abc' });
  assert.equal(after.authorities.etcd.serial, 7);
});

test('users may be called as JavaScript calls its own', async () => {
  const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];
  for (const recipients of [[], [me]]) {
    const cluster = clusterIn(`names-${recipients.length}`, recipients, names);
    const made = await applied(cluster);
    const read = (await SecretStore.read(cluster))!;
    for (const name of names) {
      assert.match(made.userPassword(name).reveal(), /^\w{27}$/, name);
      assert.equal(read.userPassword(name).reveal(), made.userPassword(name).reveal(), name);
    }
    await read.complete();
    assert.equal(read.identity().revision, made.identity().revision, 'nothing is missing');
  }
});

test('what the store lacks is refused by name, and nobody gets the password "undefined"', async () => {
  const cluster = clusterIn('lacks');
  await applied(cluster);
  const store = (await SecretStore.read(clusterIn('lacks', [], ['late'])))!;
  assert.throws(() => store.userPassword('late'), refused(/has no password of user late yet: "hapg apply" makes it/));
  assert.throws(() => store.authority('zookeeper'), refused(/has no authority zookeeper yet/));
});
