import type { ChildProcess } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { describe, before as nodeBefore, test as nodeTest, type TestContext } from 'node:test';
import { ALWAYS, chosen, correction, type Done, GRACE_MS, type Group } from './budget.ts';
import { FACTOR, seconds as scaled } from './time.ts';

/** The runner's message to every test file of a run with a budget: its deadline (ms since the epoch). */
const DEADLINE = Number(process.env.HAPG_TEST_DEADLINE) || Number.POSITIVE_INFINITY;

/** Bound of a test as a multiple of its group's expected duration, and its minimum. */
const PATIENCE = 3;
const SHORTEST_S = 180;
/** Bound of a test outside any group, and of `before`. */
const LONGEST_S = 1800;

interface Entry extends Group {
  /** Number of remaining tests. */
  left: number;
  startedAt?: number;
  /** The reason to skip it; empty: it runs. */
  because?: string;
}

const entries: Entry[] = [];
const done: Done[] = [];
let current: Entry | undefined;

/**
 * Defines tests that run or are skipped together, for instance one function of test/lab. `seconds`: their duration on
 * the reference machine; `value`: their priority where not everything fits (ALWAYS: they always run). They expect a
 * healthy cluster with the shipped inventory, and leave one behind. Their tests are made with `test` and `before` of
 * this file.
 */
export function group(name: string, seconds: number, value: number, tests: () => void): void {
  const entry: Entry = { name, seconds, value, left: 0 };
  entries.push(entry);
  describe(name, () => {
    current = entry;
    try {
      tests();
    } finally {
      current = undefined;
    }
  });
}

/** Decides at its turn whether a group is skipped, and why. */
function refusal(entry: Entry): string {
  if (entry.because === undefined) {
    const left = (DEADLINE - Date.now()) / 1000;
    const times = FACTOR * correction(done);
    const coming = entries.slice(entries.indexOf(entry));
    entry.because = chosen(coming, left, times).includes(entry)
      ? ''
      : `no time left: about ${Math.ceil(entry.seconds * times)} s needed, ${Math.max(0, Math.floor(left))} s left for this and for what is worth more`;
    entry.startedAt = Date.now();
    if (entry.because) record(entry, undefined);
  }
  if (Date.now() > DEADLINE + GRACE_MS && !entry.because) {
    const over = 'no time left: the budget has been over for long';
    if (entry.value === ALWAYS) throw new Error(over);
    return over;
  }
  return entry.because;
}

/** Reports the result of a group to the runner, for the table at its end. */
function record({ name, seconds, startedAt = 0 }: Entry, ended: number | undefined): void {
  const actual = ended === undefined ? undefined : (ended - startedAt) / 1000;
  if (actual !== undefined) done.push({ expected: seconds * FACTOR, actual });
  const ledger = process.env.HAPG_TEST_LEDGER;
  if (ledger) appendFileSync(ledger, `${JSON.stringify({ name, seconds, actual })}\n`);
}

const children = new Set<ChildProcess>();

/** Ends the programs that a test has started when it takes too long. */
export function endWithTest(child: ChildProcess): void {
  children.add(child);
  child.on('close', () => children.delete(child));
}

/** Rejects when work exceeds a bound, and ends the programs that it has started. */
async function within(bound: number, work: () => unknown): Promise<void> {
  const limit = Math.min(bound * 1000, Math.max(1000, DEADLINE + GRACE_MS - Date.now()));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL');
      reject(new Error(`not done within ${Math.round(limit / 1000)} s`));
    }, limit);
  });
  try {
    await Promise.race([Promise.resolve().then(work), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Groups know of each other once the file is read to its end. */
const allKnown = () => new Promise((known) => setImmediate(known));

type Body = (context: TestContext) => unknown;

/**
 * Defines a test of the lab: skipped with its group, and failed when it hangs. `seconds` is its own bound on the
 * reference machine, where that of its group is not the right one.
 */
export function test(name: string, body: Body): void;
export function test(name: string, options: { seconds: number }, body: Body): void;
export function test(name: string, first: { seconds: number } | Body, second?: Body): void {
  const [own, body] = typeof first === 'function' ? [undefined, first] : [first.seconds, second!];
  const entry = current;
  const bound = scaled(own ?? (entry ? Math.max(SHORTEST_S, PATIENCE * entry.seconds) : LONGEST_S));
  if (entry) entry.left++;
  nodeTest(name, async (context) => {
    await allKnown();
    const because = entry ? refusal(entry) : '';
    try {
      if (because) context.skip(because);
      else await within(bound, () => body(context));
    } finally {
      if (entry && --entry.left === 0 && !entry.because) record(entry, Date.now());
    }
  });
}

/** Defines work before the tests of a group, or of all groups; skipped with its group. */
export function before(work: () => unknown): void {
  const entry = current;
  nodeBefore(async () => {
    await allKnown();
    if (!entry || !refusal(entry)) await within(scaled(LONGEST_S), work);
  });
}
