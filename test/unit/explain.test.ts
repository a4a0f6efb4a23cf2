import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { nobodysLab, ownController } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';

test('a code of status is explained, with what to do about it', async () => {
  const { code, out } = await inProcess(['explain', 'pending_handler']);
  assert.equal(code, 0);
  assert.equal(out, 'pending_handler: a reload or restart of an interrupted run is still due\n→ "hapg apply"\n');
});

test('a link in the explanation is its words', async () => {
  const { out } = await inProcess(['explain', 'unreachable']);
  assert.match(out, /see troubleshooting$/m);
});

test('all codes are listed without one, and a document has them too', async () => {
  const { out } = await inProcess(['explain']);
  assert.ok(out.split('\n').length > 30, out);
  const { out: document } = await inProcess(['explain', '-o', 'json']);
  const all = JSON.parse(document) as { code: string; meaning: string; cure: string }[];
  assert.ok(all.every(({ code, meaning, cure }) => code && meaning && cure));
});

test('an unknown code is refused with the one that was meant', async () => {
  const { code, err } = await inProcess(['explain', 'no_sync_stanby']);
  assert.equal(code, 5);
  assert.match(
    err,
    /^no_sync_stanby: no code of a problem or a refusal \(did you mean "no_sync_standby"\?\); "hapg explain" lists them$/m,
  );
});

test('every kind of refusal is explained, and several at once', async () => {
  const codes = [...readFileSync('src/refusal-codes.ts', 'utf8').matchAll(/^ {2}\| '([a-z_]+)'/gm)].map(
    ([, code]) => code!,
  );
  assert.ok(codes.length > 40);
  const { code, out } = await inProcess(['explain', ...codes, '-o', 'json']);
  assert.equal(code, 0);
  const found = JSON.parse(out) as { code: string; cure: string }[];
  assert.deepEqual(
    found.map((one) => one.code),
    codes,
  );
  for (const { code: name, cure } of found) assert.ok(cure, name);
});

test('every judgement that a command may refuse by names its kind', () => {
  const unnamed = readdirSync('src/decisions').flatMap((name) => {
    const text = readFileSync(`src/decisions/${name}`, 'utf8');
    // A list of reasons without a code ends the call.
    return name === 'verdict.ts' ? [] : [...text.matchAll(/\bverdict\((\w+)\)/g)].map(([, list]) => `${name}: ${list}`);
  });
  assert.deepEqual(
    unnamed.filter((one) => one !== 'growth.ts: reasons'),
    [],
  );
});

test('a refusal names its kind below the message, and in its document', async () => {
  ownController();
  writeFileSync('cluster.yaml', nobodysLab());
  const words = ['switchover', '-i', 'cluster.yaml', '--yes'];
  const { code, err } = await inProcess(words);
  assert.equal(code, 1);
  assert.match(err, /has no secret store: .*\n {2}hapg explain store_missing$/m);
  const { out } = await inProcess([...words, '-o', 'json']);
  assert.deepEqual((JSON.parse(out) as { error: { codes: string[] } }).error.codes, ['store_missing']);
});
