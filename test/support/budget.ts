/** A group of tests that runs or is skipped as a whole. */
export interface Group {
  name: string;
  /** Its duration on the reference machine (s). */
  seconds: number;
  /** Its priority where not everything fits into the time. */
  value: number;
}

/** The value of groups that always run. */
export const ALWAYS = Number.POSITIVE_INFINITY;

/** Time after the deadline at which a running test is ended, so that its lab can be removed. */
export const GRACE_MS = 18 * 60_000;

/** A finished group: its expected duration on this machine and its real one (s). */
export interface Done {
  expected: number;
  actual: number;
}

/** Weight of the estimate before the first group (expected seconds). */
const TRUST = 60;

/** Lower limit of the ratio: a group whose tests fail early ends early, and says nothing about speed. */
const LEAST = 0.5;

/** Ratio of real to expected duration of the groups so far; 1 before the first. */
export function correction(done: readonly Done[]): number {
  const sum = (of: (one: Done) => number) => done.reduce((total, one) => total + of(one), TRUST);
  return Math.max(LEAST, sum((one) => one.actual) / sum((one) => one.expected));
}

/**
 * Chooses the groups that run in the remaining seconds: the most valuable first, each that still fits. `times` is their
 * expected slowdown against the reference machine.
 */
export function chosen(groups: readonly Group[], left: number, times: number): Group[] {
  let rest = left;
  return [...groups]
    .sort((a, b) => (a.value === b.value ? 0 : b.value - a.value))
    .filter(({ seconds, value }) => {
      const cost = seconds * times;
      if (value !== ALWAYS && cost > rest) return false;
      rest -= cost;
      return true;
    });
}

/** The last line of a run; skipped groups are counted only where there are any. */
export const closingLine = (passed: number, failed: number, skipped: number): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
