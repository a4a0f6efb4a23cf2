import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/**
 * First words after which a reader has to look for the noun or the verb: they begin with the owner, the time, the place or
 * the reason of a thing that only follows later. Clauses that name a thing stay allowed ("What a role brings", "Whether").
 */
const BAD_FIRST_WORDS = [
  // The owner or the group before the thing.
  ...['Of', 'Those', 'With', 'Without', 'From', 'Beside', 'Between'],
  // The time before the event.
  ...['After', 'Before', 'Behind', 'Once', 'Since', 'Until', 'While', 'Within'],
  // The place or the case before the fact.
  ...['At', 'Here', 'If', 'In', 'On', 'There', 'Through', 'Unless'],
  // The degree, the purpose or the reason before what it belongs to; the middle of a sentence.
  ...['And', 'As', 'Because', 'But', 'For', 'So', 'To', 'Were'],
];

/** The folders that keep the rule. */
const FOLDERS = ['src', 'roles', 'playbooks', 'tools', 'test/support'];

const files = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);

test('a docstring begins with the thing or the verb', () => {
  const bad = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return [...text.matchAll(/\/\*\*\s+(?:\* )?(([A-Z][a-z]*)\b[^\n]*)/g)]
      .filter(([, , first]) => BAD_FIRST_WORDS.includes(first!))
      .map(({ index, 1: line }) => `${file}:${text.slice(0, index).split('\n').length}: ${line}`);
  });
  assert.ok(files.length > 100);
  assert.deepEqual(bad, []);
});
