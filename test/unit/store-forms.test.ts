import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { Secret } from '../../src/secret.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import type { Stored } from '../../src/secrets/stored.ts';
import { changesOf, dyingAt } from '../support/crash.ts';
import {
  applied,
  clusterIn,
  colleague,
  filesIn,
  inMemory,
  me,
  plain,
  plainIn,
  refused,
  root,
  storedIn,
} from './store.ts';

const TRANSITIONS = [
  ['recipients are added', [], [me]],
  ['recipients are removed', [me], []],
  ['another recipient is added', [me], [me, colleague]],
  ['nothing of the form changes', [], []],
] as const;

for (const [name, before, now] of TRANSITIONS) {
  const directory = `form-${name.replaceAll(' ', '-')}`;
  test(`one form at a time: ${name}, and a new password is made at the same time`, async () => {
    const first = clusterIn(directory, before);
    const old = await applied(first);
    const second = clusterIn(directory, now, ['second']);
    await applied(second);
    assert.deepEqual(filesIn(second), [now.length > 0 ? 'secrets.age' : 'secrets.yaml']);
    const again = (await SecretStore.read(second))!;
    assert.equal(again.password('superuser').reveal(), old.password('superuser').reveal());
    assert.deepEqual(again.known().uuid, old.known().uuid);
    const made = again.userPassword('second').reveal();
    const third = (await SecretStore.read(second))!;
    await third.complete();
    await third.save();
    assert.equal(third.userPassword('second').reveal(), made, 'what was written is what is read');
    if (now.length > 0) assert.deepEqual(plainIn(second, made), []);
  });

  for (const changes of [false, true])
    test(`a crash at any moment while ${name}${changes ? ' with a rotation' : ''} loses nothing, and the next run goes on`, async () => {
      const origin = join(root, `${directory}-origin`);
      const home = `${directory}-crash-${changes}`;
      rmSync(join(root, home), { recursive: true, force: true });
      await applied(clusterIn(home, before));
      cpSync(join(root, home), origin, { recursive: true });
      const cluster = clusterIn(home, now);
      const saved = await storedIn(cluster);
      const earlier = clusterIn(home, before);
      for (let at = 1, ended = false; !ended; at++) {
        assert.ok(at < 100, 'it comes to its end');
        rmSync(join(root, home), { recursive: true });
        cpSync(origin, join(root, home), { recursive: true });
        const store = (await SecretStore.read(cluster))!;
        ended = await dyingAt(at, () => (changes ? store.stageRotation(['superuser'], []) : store.save()));
        // Whichever inventory the next run has.
        for (const model of [cluster, earlier]) {
          const found = await storedIn(model);
          if (!changes) assert.deepEqual(found, saved);
          else if (found.next) assert.deepEqual(plain(found), plain(await inMemory(store)));
          else assert.deepEqual(found, saved);
        }
        await applied(cluster, (next) => next.stageRotation(['superuser'], []));
        assert.deepEqual(filesIn(cluster), [now.length > 0 ? 'secrets.age' : 'secrets.yaml'], `after change ${at}`);
        const { superuser } = (await storedIn(cluster)).passwords;
        assert.equal(superuser, saved.passwords.superuser);
        if (now.length > 0) assert.deepEqual(plainIn(cluster, superuser!), []);
      }
      rmSync(origin, { recursive: true });
    });
}

test('the new form is on the disk, and read back, before the other one goes', async () => {
  await applied(clusterIn('order'));
  const store = (await SecretStore.read(clusterIn('order', [me])))!;
  assert.deepEqual(
    (await changesOf(() => store.save())).filter((one) => !/lock|^rm |^mkdir /.test(one)),
    [
      'open secrets.age.new',
      'fchmod secrets.age.new',
      'writeFile secrets.age.new',
      'fsync secrets.age.new',
      'rename secrets.age.new',
      'fsync pglab',
      'unlink secrets.yaml',
      'fsync pglab',
    ],
  );
});

test('both forms that say the same: told, and the unwanted one goes with the next write', async () => {
  const plain = clusterIn('same');
  await applied(plain);
  const text = readFileSync(join(plain.stateDir, 'secrets.yaml'));
  const cluster = clusterIn('same', [me]);
  await applied(cluster);
  writeFileSync(join(cluster.stateDir, 'secrets.yaml'), stringify(await storedIn(cluster)), { mode: 0o644 });
  assert.notDeepEqual(text, readFileSync(join(plain.stateDir, 'secrets.yaml')));
  const store = (await SecretStore.read(cluster))!;
  assert.match(store.warnings.join('\n'), /secrets\.yaml holds every secret of pglab in plain text.*removes it/);
  assert.match(store.warnings.join('\n'), /can be read by others \(mode 644\): chmod 600/);
  const { revision } = store.identity();
  await store.save();
  assert.deepEqual(filesIn(cluster), ['secrets.age']);
  assert.equal((await storedIn(cluster)).revision, revision, 'the content is the same, and so is the revision');
  assert.deepEqual((await SecretStore.read(cluster))!.warnings, []);
});

for (const recipients of [[], [me]])
  test(`both forms that differ are refused with dates and revisions, with ${recipients.length} recipients`, async () => {
    const directory = `differ-${recipients.length}`;
    const encrypted = clusterIn(directory, [me]);
    await applied(encrypted);
    const older = readFileSync(join(encrypted.stateDir, 'secrets.age'));
    await applied(clusterIn(directory), (store) => store.stageRotation(['rest'], []));
    writeFileSync(join(encrypted.stateDir, 'secrets.age'), older);
    const before = filesIn(encrypted).map((name) => readFileSync(join(encrypted.stateDir, name), 'latin1'));
    const cluster = clusterIn(directory, recipients);
    await assert.rejects(
      SecretStore.read(cluster),
      refused(
        /twice, and the two differ:\n {2}secrets\.age, modified 20\S+Z: revision 1, generation 1, by .*\n {2}secrets\.yaml, modified 20\S+Z: revision 3, generation 2, by .*\n.*\/etc\/hapg\/cluster\.json/,
      ),
    );
    assert.deepEqual(
      filesIn(cluster).map((name) => readFileSync(join(cluster.stateDir, name), 'latin1')),
      before,
    );
  });

test('recipients of whom the person is none are refused before anything is written, with the own recipient', async () => {
  const plain = clusterIn('others');
  await applied(plain);
  const cluster = clusterIn('others', [colleague]);
  const store = (await SecretStore.read(cluster))!;
  for (const way of [() => store.confirmSavable(), () => store.save()])
    await assert.rejects(way, refused(new RegExp(`none of the identities in .*age\\.txt.*Add your own \\(${me}\\)`)));
  assert.deepEqual(filesIn(cluster), ['secrets.yaml']);
  await applied(clusterIn('others', [colleague, me]));
  assert.deepEqual(filesIn(cluster), ['secrets.age'], 'for others as well is right');
});

for (const [name, content, says] of [
  [
    'none',
    undefined,
    /shall be encrypted for secrets\.recipients, and read again .*, and .*is not there\. Name your age identity file/,
  ],
  ['an empty one', '', /holds no age identity/],
  ['a damaged one', 'AGE-SECRET-KEY-1QQQQ\n', /holds an age identity that is damaged$/],
] as const)
  test(`an identity file that is no help is refused before a store is made: ${name}`, async () => {
    const cluster = clusterIn(`identity-${name}`, [me]);
    const file = join(root, `identity-${name}.txt`);
    if (content !== undefined) writeFileSync(file, content);
    process.env.HAPG_AGE_IDENTITY = file;
    try {
      const store = await SecretStore.create(cluster);
      await assert.rejects(store.save(), refused(says));
      assert.deepEqual(existsSync(cluster.stateDir) ? filesIn(cluster) : [], []);
    } finally {
      process.env.HAPG_AGE_IDENTITY = join(root, 'age.txt');
    }
  });

test('a recipient with a typing error is refused, not a bug', async () => {
  const wrong = `${me.slice(0, -1)}${me.endsWith('q') ? 'p' : 'q'}`;
  const store = await SecretStore.create(clusterIn('typo', [wrong, me]));
  await assert.rejects(store.save(), refused(/secrets\.recipients: age1\S+ is no age recipient/));
});

test('a link is followed: its target is replaced, the link stays, and a change of the form removes both', async () => {
  const cluster = clusterIn('link');
  const vault = join(root, 'vault');
  mkdirSync(vault, { recursive: true });
  await applied(cluster);
  const file = join(cluster.stateDir, 'secrets.yaml');
  const target = join(vault, 'pglab.yaml');
  cpSync(file, target);
  unlinkSync(file);
  symlinkSync(target, file);
  const store = await applied(cluster, (one) => one.stageRotation(['rest'], []));
  assert.ok(lstatSync(file).isSymbolicLink());
  assert.equal((parse(readFileSync(target, 'utf8')) as Stored).revision, store.identity().revision);
  assert.equal(statSync(target).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(vault), ['pglab.yaml']);
  await applied(clusterIn('link', [me]));
  assert.deepEqual(readdirSync(vault), [], 'no plain text is left where the link led to');
  assert.deepEqual(filesIn(cluster), ['secrets.age']);
});

test('a left-over of an interrupted write is not followed, has no say, and goes with the next write', async () => {
  const cluster = clusterIn('left', [me]);
  await applied(cluster);
  const bait = join(root, 'bait');
  writeFileSync(bait, 'mine');
  symlinkSync(bait, join(cluster.stateDir, 'secrets.age.new'));
  writeFileSync(join(cluster.stateDir, 'secrets.yaml.new'), 'passwords: {}\n', { mode: 0o644 });
  const store = (await SecretStore.read(cluster))!;
  assert.match(
    store.warnings.join(),
    /secrets\.yaml\.new was left .* holds secrets in plain text: the next "hapg apply" removes it/,
  );
  await store.stageRotation(['rest'], []);
  assert.deepEqual(filesIn(cluster), ['secrets.age']);
  assert.equal(readFileSync(bait, 'utf8'), 'mine');
  assert.equal(statSync(join(cluster.stateDir, 'secrets.age')).mode & 0o777, 0o600);
});

type Step = { what: string; recipients: number; dies: number };
test('no sequence of changes, of recipients and of crashes loses a value or leaves plain text behind', async () => {
  const RECIPIENTS = [[], [me], [colleague, me]];
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom('stage', 'promote system', 'promote user', 'give', 'user', 'authority', 'nothing'),
    recipients: fc.nat(RECIPIENTS.length - 1),
    // A save is some twenty calls; 0: it does not die.
    dies: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 25 })),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const directory = `any-${run++}`;
      const users: string[] = [];
      await applied(clusterIn(directory));
      let saved = await storedIn(clusterIn(directory));
      for (const [index, { what, recipients, dies }] of steps.entries()) {
        if (what === 'user') users.push(`user${index}`);
        const cluster = clusterIn(directory, RECIPIENTS[recipients], users);
        const store = (await SecretStore.read(cluster))!;
        const change = async () => {
          if (what === 'stage') await store.stageRotation(['superuser', 'rest'], ['app']);
          if (what === 'promote system') await store.promoteSystem();
          if (what === 'promote user') await store.promoteUser('app');
          if (what === 'give') await store.setExternalSecret('key', new Secret(`value ${index}`));
          if (what === 'user') await store.complete();
          if (what === 'authority') await store.advanceAuthority('etcd');
          await store.save();
        };
        const ended = await dyingAt(dies || Number.POSITIVE_INFINITY, change);
        const found = await storedIn(cluster);
        const meant = await inMemory(store);
        if (ended) {
          assert.deepEqual(plain(found), plain(meant));
          assert.deepEqual(filesIn(cluster), [recipients > 0 ? 'secrets.age' : 'secrets.yaml']);
          if (recipients > 0) assert.deepEqual(plainIn(cluster, found.passwords.superuser!), []);
        } else
          assert.ok(
            [saved, meant].some((one) => isDeepStrictEqual(plain(one), plain(found))),
            'what is there is what was saved last, or what was to be saved',
          );
        saved = found;
      }
      rmSync(join(root, directory), { recursive: true, force: true });
    }),
    { numRuns: 8 },
  );
});
