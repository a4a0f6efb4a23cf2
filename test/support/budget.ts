/** A group of tests that is done or left out as a whole. */
export interface Group {
  name: string;
  /** What it costs on the reference machine. */
  seconds: number;
  /** What is worth more is done where not everything fits. */
  value: number;
}

/** The value of what is done whatever it costs. */
export const ALWAYS = Number.POSITIVE_INFINITY;

/** So long behind the deadline whatever test still runs is ended, so that its lab can be taken down. */
export const GRACE_MS = 18 * 60_000;

/** A group that was done, in seconds: what it was thought to take on this machine, and what it took. */
export interface Done {
  expected: number;
  actual: number;
}

/** So many expected seconds of trust has the estimate before anything was done. */
const TRUST = 60;

/** Groups whose tests fail early are over early: from them nobody may learn that everything is faster than this. */
const LEAST = 0.5;

/** How many times longer than expected the groups so far have taken; 1 before the first. */
export function correction(done: readonly Done[]): number {
  const sum = (of: (one: Done) => number) => done.reduce((total, one) => total + of(one), TRUST);
  return Math.max(LEAST, sum((one) => one.actual) / sum((one) => one.expected));
}

/**
 * Which of the groups to come are done in the seconds that are left: the most valuable first, each that still fits. `times`
 * is how many times longer than on the reference machine they take.
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

/** The line with which a run ends; what was left out is counted only where something was. */
export const closingLine = (passed: number, failed: number, skipped: number): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
