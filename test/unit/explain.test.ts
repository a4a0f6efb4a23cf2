import assert from 'node:assert/strict';
import { test } from 'node:test';
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
    /^no_sync_stanby: no code of hapg status \(did you mean "no_sync_standby"\?\); "hapg explain" lists them$/m,
  );
});
