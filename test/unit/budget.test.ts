import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ALWAYS, chosen, closingLine, correction, type Group } from '../support/budget.ts';
import { costTable } from '../support/report.ts';
import { factorOf, REFERENCE } from '../support/time.ts';

const group = (name: string, seconds: number, value: number): Group => ({ name, seconds, value });
const names = (groups: readonly Group[]) => groups.map(({ name }) => name).join(' ');

const first = group('first', 180, ALWAYS);
const dear = group('dear', 300, 50);
const cheap = group('cheap', 20, 10);
const best = group('best', 100, 90);

for (const [what, groups, left, times, done] of [
  ['everything is done where there is time for it', [first, dear, cheap, best], 600, 1, 'first best dear cheap'],
  ['what is worth most is done, though it comes last', [dear, best], 350, 1, 'best'],
  [
    'what is worth little is done when it still fits behind something dear that does not',
    [dear, cheap],
    100,
    1,
    'cheap',
  ],
  ['what is always done is done without any time, and nothing else is', [first, cheap], 0, 1, 'first'],
  ['what is always done takes its time from the others', [first, best, cheap], 200, 1, 'first cheap'],
  ['on a slow machine less is done in the same time', [dear, cheap, best], 420, 3, 'best cheap'],
  ['of the same value those go first that come first', [group('a', 60, 5), group('b', 60, 5)], 100, 1, 'a'],
  ['without a budget all is done', [dear, cheap, best], Number.POSITIVE_INFINITY, 10, 'best dear cheap'],
] as const)
  test(what, () => assert.equal(names(chosen(groups, left, times)), done));

test('what is chosen fits, but for what is always done; what is left out does not', () => {
  const any = fc.record({ name: fc.string(), seconds: fc.integer({ min: 1, max: 500 }), value: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(any), fc.nat(2000), (groups, left) => {
      const taken = chosen(groups, left, 1);
      const sum = taken.reduce((total, { seconds }) => total + seconds, 0);
      assert.ok(sum <= left);
      for (const one of groups.filter((each) => !taken.includes(each))) {
        const before = taken
          .filter(({ value }) => value >= one.value)
          .reduce((total, { seconds }) => total + seconds, 0);
        assert.ok(before + one.seconds > left, `${one.name} would have fitted`);
      }
    }),
  );
});

test('estimates are corrected by what the groups so far took, little by little', () => {
  assert.equal(correction([]), 1);
  assert.equal(correction([{ expected: 60, actual: 180 }]), 2);
  assert.equal(correction([{ expected: 60, actual: 60 }]), 1);
  assert.ok(correction([{ expected: 600, actual: 1200 }]) > 1.9);
  assert.ok(correction([{ expected: 600, actual: 300 }]) < 0.6);
  assert.equal(correction([{ expected: 9000, actual: 1 }]), 0.5, 'it failed early');
});

test('the factor is 1 on the reference machine and on a faster one, grows with both figures, and ends at 10', () => {
  assert.equal(factorOf(REFERENCE), 1);
  assert.equal(factorOf({ forksMs: 50, fsyncMs: 0.05 }), 1);
  assert.equal(factorOf({ ...REFERENCE, forksMs: 1500 }), 7.2);
  assert.equal(factorOf({ ...REFERENCE, fsyncMs: 8 }), 3);
  assert.equal(factorOf({ forksMs: 60_000, fsyncMs: 100 }), 10);
});

test('the last line counts what was skipped only where something was', () => {
  assert.equal(closingLine(421, 0, 0), '421 passed, 0 failed');
  assert.equal(closingLine(300, 2, 17), '300 passed, 2 failed, 17 skipped');
});

test('the table tells what each group was thought to take and took, and what was skipped', () => {
  const table = costTable(
    [
      { name: 'first pass', seconds: 180, actual: 540.4 },
      { name: 'drift', seconds: 110 },
    ],
    3,
  );
  assert.deepEqual(
    table.split('\n').map((line) => line.trimEnd()),
    ['GROUP       ESTIMATE  SECONDS  ÷ 3', 'first pass       180      540  180', 'drift            110  skipped'],
  );
});
