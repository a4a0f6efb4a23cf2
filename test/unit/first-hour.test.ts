import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { comparable, screensOf } from '../support/first-hour.ts';

const same = (actual: string, expected: string): boolean => {
  const both = comparable(actual, expected);
  return JSON.stringify(both.actual) === JSON.stringify(both.expected);
};

describe('a screen of the first hour', () => {
  for (const [what, actual, expected, isSame] of [
    ['with other figures', 'disk  73.4 GiB free, 34.1 s', 'disk 9 MiB free, 1 min 3 s', true],
    ['with other keys', 'db1  SHA256:abc/+  new', 'db1  SHA256:xyz  new', true],
    [
      'with another leader',
      'db1  replica\ndb2  leader\netcd db1 db2*',
      'db1  leader\ndb2  replica\netcd db1* db2',
      true,
    ],
    ['with another word', 'shop is healthy', 'shop has problems', false],
    ['with a line more', 'shop is healthy\nand more', 'shop is healthy', false],
    ['that the page cuts', 'a\nb\nc\nd\ne', 'a\n...\ne', true],
    ['that the page cuts, with another end', 'a\nb\nc\nd\nf', 'a\n...\ne', false],
  ] as const)
    test(`${what} is ${isSame ? 'the same' : 'another one'}`, () => assert.equal(same(actual, expected), isSame));

  test('is there for every command of that hour', () => {
    assert.deepEqual(
      screensOf().map(({ command }) => command.split(' ')[1]),
      ['init', 'trust', 'doctor', 'plan', 'apply', 'status', 'connect', 'switchover', 'status'],
    );
    for (const { command, shown } of screensOf()) assert.ok(shown.length > 40, command);
  });
});
