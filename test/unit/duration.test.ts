import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { describeDuration, parseDuration } from '../../src/duration.ts';

const WEEK = 7 * 86_400;

describe('a length of time', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['30m', 1800],
    ['2h', 7200],
    ['1h30m', 5400],
    ['1h 30m', undefined],
    ['1d', 86_400],
    [' 5m ', 300],
  ] as const)
    test(`"${text}" is ${seconds === undefined ? 'not one' : `${seconds} s`}`, () => {
      if (seconds === undefined) assert.throws(() => parseDuration(text, WEEK));
      else assert.equal(parseDuration(text, WEEK), seconds);
    });

  for (const [text, reason] of [
    ['30', /such as 30m for minutes/],
    ['', /not a length of time such as 90s/],
    ['soon', /not a length of time/],
    ['0m', /more than nothing/],
    ['8d', /at most 7d are taken/],
    ['-5m', /not a length of time/],
  ] as const)
    test(`"${text}" is refused with the reason`, () => {
      assert.throws(() => parseDuration(text, WEEK), reason);
    });

  test('is read again as it was written, to the second of its second unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3599 }), (seconds) => {
        assert.equal(parseDuration(describeDuration(seconds), WEEK), seconds);
      }),
    );
  });
});
