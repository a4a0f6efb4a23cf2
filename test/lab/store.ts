import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { test } from '../support/group.ts';
import { isFree, type TestLab, until } from '../support/lab.ts';

/** The secret store beside other runs, other copies of it, and in its two forms. */
export function storing(lab: TestLab): void {
  const state = join(lab.directory, '.hapg', lab.cluster);
  const file = join(state, 'secrets.yaml');
  const forms = () => readdirSync(state).filter((name) => name.startsWith('secrets.') && name !== 'secrets.shown');
  const nothingToDo = async () => {
    const plan = await lab.hapg(['plan', '--detailed-exitcode']);
    assert.equal(plan.code, 0, plan.stdout + plan.stderr);
  };
  const passwords = async () => JSON.parse((await lab.hapg(['secrets', 'show', '-o', 'json'])).stdout) as object;
  /** The identity that a host reports. */
  const known = (host: string) =>
    JSON.parse(lab.on(host, 'cat /etc/hapg/cluster.json').out) as { revision?: number; revision_id?: string };

  test('a run that waited while secrets were rotated refuses, and undoes nothing', async () => {
    await lab.healthy(60);
    const inventory = readFileSync(lab.inventory, 'utf8');
    const before = await passwords();
    const first = [...lab.hosts].sort()[0]!;
    const rotates = lab.start(['secrets', 'rotate', '--yes']);
    await until('the rotation has its lock', 30, () => !isFree(lab, first), rotates);
    const waits = lab.start([
      'config',
      'edit',
      '--yes',
      '--lock-wait',
      '600',
      '--set',
      'postgres.parameters.work_mem=7MB',
    ]);
    const rotated = await rotates.done;
    assert.equal(rotated.code, 0, rotated.stderr);
    const after = await passwords();
    assert.notDeepEqual(after, before);
    const { code, stderr } = await waits.done;
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /the secret store in .* changed while this run waited \(revision \d+ → revision \d+, by .*\): run again/,
    );
    assert.equal(readFileSync(lab.inventory, 'utf8'), inventory);
    assert.deepEqual(await passwords(), after);
    await nothingToDo();
    await lab.healthy(60);
  });

  test('the hosts know the revision that a rotation has ended with, and a look at the secrets makes none', async () => {
    const stored = /^revision: (\d+)$/m.exec(readFileSync(file, 'utf8'))![1];
    for (const host of lab.hosts) assert.equal(String(known(host).revision), stored, host);
    await passwords();
    assert.equal(/^revision: (\d+)$/m.exec(readFileSync(file, 'utf8'))![1], stored);
  });

  test('a copy of the state directory from before a rotation is refused with the reason', async () => {
    const older = readFileSync(file, 'utf8');
    const rotated = await lab.hapg(['secrets', 'rotate', 'app', '--yes']);
    assert.equal(rotated.code, 0, rotated.stderr);
    const present = readFileSync(file, 'utf8');
    try {
      writeFileSync(file, older);
      for (const args of [['apply', '--yes'], ['plan'], ['secrets', 'rotate', 'app', '--yes']]) {
        const { code, stderr } = await lab.hapg(args);
        assert.equal(code, 1, stderr);
        assert.match(stderr, /db1: was set up from a newer secret store \(revision \d+, .* has \d+\)/);
      }
      assert.ok((await lab.status()).status.problems.some(({ code }) => code === 'identity'));
      // The same revision as the present one, by independent changes.
      const { revision } = known('db1');
      const apart = older
        .replace(/^revision: .*/m, `revision: ${revision}`)
        .replace(/^(lineage:\n(?: +- .*\n)+)/m, (list) => `${list}${'  - deadbeef\n'.repeat(2)}`);
      writeFileSync(file, apart);
      const { code, stderr } = await lab.hapg(['apply', '--yes']);
      assert.equal(code, 1, stderr);
      assert.match(stderr, /db1: was set up from another copy of the secret store/);
    } finally {
      writeFileSync(file, present);
    }
    await nothingToDo();
    assert.equal(
      lab.on('client', `psql -XAtqc 'select 1' '${lab.uri}'`).out,
      '1',
      'the new password is the one in use',
    );
  });

  test('a store is encrypted and made plain again with the cluster as it is, one form at a time', async () => {
    const mine = await generateIdentity();
    const identity = join(lab.directory, 'age.txt');
    writeFileSync(identity, `${mine}\n`, { mode: 0o600 });
    const env = { HAPG_AGE_IDENTITY: identity };
    const before = await passwords();
    const recipients = `secrets.recipients=[${await identityToRecipient(mine)}]`;
    const stranger = `secrets.recipients=[${await identityToRecipient(await generateIdentity())}]`;
    const nobody = await lab.hapg(['apply', '--yes', '-e', stranger], env);
    assert.equal(nobody.code, 1, nobody.stderr);
    assert.match(nobody.stderr, /none of the identities in .* belongs to them/);
    assert.deepEqual(forms(), ['secrets.yaml']);
    const encrypted = await lab.hapg(['apply', '--yes', '-e', recipients], env);
    assert.equal(encrypted.code, 0, encrypted.stderr);
    assert.deepEqual(forms(), ['secrets.age']);
    const told = await lab.hapg(['status'], env);
    assert.match(told.stderr, /secrets\.age is encrypted, and the inventory names no secrets\.recipients/);
    const plain = await lab.hapg(['apply', '--yes'], env);
    assert.equal(plain.code, 0, plain.stderr);
    assert.deepEqual(forms(), ['secrets.yaml']);
    assert.deepEqual(await passwords(), before);
    await nothingToDo();
  });
}
