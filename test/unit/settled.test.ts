import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { settleAll, settled } from '../../src/engine/pool.ts';

test('settled gives the values in order, or throws the first failure', async () => {
  const work = async (n: number) => {
    if (n < 0) throw new Error(`no ${-n}`);
    return n * 2;
  };
  assert.deepEqual(settled(await settleAll([1, 2, 3], 2, work)), [2, 4, 6]);
  const results = await settleAll([1, -2, -3], 3, work);
  assert.throws(() => settled(results), /no 2/);
});

const SOURCES = ['src', 'roles', 'playbooks'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== join('engine', 'pool.ts'))
    .map((name) => join(folder, name)),
);

/** Calls of `settleAll` in a text whose results nobody reads, as lines. */
function ignored(text: string): string[] {
  return [...text.matchAll(/\bsettleAll\(/g)].flatMap(({ index }) => {
    const before = text.slice(0, index).trimEnd();
    const line = `line ${before.split('\n').length}`;
    const name = /\bconst (\w+) = ?(?:await|await Promise\.race\(\[\w+,)?$/.exec(before)?.[1];
    if (name === undefined)
      return /\breturn( await)?$|=>$|\bsettled\(await$|\battempted\(await$/.test(before) ? [] : [line];
    const after = text.slice(index).replaceAll(new RegExp(`^\\s*await ${name};$`, 'gm'), '');
    return new RegExp(`\\b${name}\\b`).test(after) ? [] : [line];
  });
}

describe('results are read', () => {
  for (const [name, text, lines] of [
    ['a bare statement ignores them', 'await settleAll(a, 1, f);', 1],
    ['so does one without await', 'void settleAll(a, 1, f);', 1],
    ['so does a part of something else', 'await Promise.all([\n  x,\n  settleAll(a, 1, f),\n]);', 1],
    ['so does a name that is only waited for', 'const told = settleAll(a, 1, f);\nawait told;', 1],
    ['a name that is read does not', 'const results = await settleAll(a, 1, f);\nsettled(results);', 0],
    ['nor does whoever hands them on', 'return settleAll(a, 1, f);', 0],
    ['nor does one who says what a failure means', 'settled(await settleAll(a, 1, f));', 0],
  ] as const)
    test(name, () => assert.equal(ignored(text).length, lines));

  for (const file of SOURCES)
    if (/\bsettleAll\(/.test(readFileSync(file, 'utf8')))
      test(file, () => assert.deepEqual(ignored(readFileSync(file, 'utf8')), []));
});
