import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesOfKiB, freeKiB, setContentsAside, sizeOf, usedKiB } from '../../src/programs/files.ts';
import { programs, sh } from './sh.ts';

test('what a directory holds is set aside inside it, and what could not be moved ends the script', () => {
  const box = programs({});
  mkdirSync(join(box, 'data'));
  writeFileSync(join(box, 'data', 'a'), '');
  const script = `${setContentsAside(join(box, 'data'), 'now')}\necho on`;
  assert.equal(sh(script, { path: programs({ mv: 'exit 1' }) }).code, 1);
  assert.deepEqual(readdirSync(join(box, 'data')).sort(), ['a', 'aside-now']);
  assert.equal(sh(script.replaceAll('now', 'later')).out, 'on\n');
  assert.deepEqual(readdirSync(join(box, 'data')).sort(), ['aside-later', 'aside-now']);
});

test('room is told in bytes, and a df that tells nothing is an error, not a full disk', () => {
  for (const kib of [freeKiB, usedKiB]) {
    assert.ok(bytesOfKiB(sh(kib('/')).out.trim()) > 0);
    assert.throws(() => bytesOfKiB(sh(kib('/'), { path: programs({ df: 'exit 1' }) }).out.trim()), /is not reported/);
  }
});

test('the size of a directory counts what its links lead to; of one that is not there nothing is told', () => {
  const box = programs({});
  mkdirSync(join(box, 'data'));
  mkdirSync(join(box, 'wal'));
  writeFileSync(join(box, 'wal', 'a'), Buffer.alloc(300_000));
  assert.equal(
    sh(`ln -s ${box}/wal ${box}/data/pg_wal; ${sizeOf(join(box, 'data'), 20)} | awk '{print ($1 > 290000)}'`).out,
    '1\n',
  );
  assert.equal(sh(sizeOf(join(box, 'none'), 20)).out, '');
});
