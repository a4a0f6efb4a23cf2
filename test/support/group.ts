import type { ChildProcess } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { describe, before as nodeBefore, test as nodeTest, type TestContext } from 'node:test';
import { ALWAYS, chosen, correction, type Done, GRACE_MS, type Group } from './budget.ts';
import { FACTOR, seconds as scaled } from './time.ts';

/** What the runner says to every test file of a run with a budget: when the time is over, in ms since the epoch. */
const DEADLINE = Number(process.env.HAPG_TEST_DEADLINE) || Number.POSITIVE_INFINITY;

/** A test may take so many times what its whole group is thought to take, and at least this long. */
const PATIENCE = 3;
const SHORTEST_S = 180;
/** A test outside of any group, and what is done before tests. */
const LONGEST_S = 1800;

interface Entry extends Group {
  /** Tests that are still to come. */
  left: number;
  startedAt?: number;
  /** Why it is left out; empty: it is done. */
  because?: string;
}

const entries: Entry[] = [];
const done: Done[] = [];
let current: Entry | undefined;

/**
 * Tests that are done together or left out together, for instance one function of test/lab. `seconds`: what they cost on the
 * reference machine; `value`: who is done where not everything fits (ALWAYS: done in any case). They must find a healthy
 * cluster with the shipped inventory, and leave one behind. Their tests are made with `test` and `before` of this file.
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

/** Why a group is left out, decided when its turn comes. */
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

/** Tells the runner what became of a group, for the table at its end. */
function record({ name, seconds, startedAt = 0 }: Entry, ended: number | undefined): void {
  const actual = ended === undefined ? undefined : (ended - startedAt) / 1000;
  if (actual !== undefined) done.push({ expected: seconds * FACTOR, actual });
  const ledger = process.env.HAPG_TEST_LEDGER;
  if (ledger) appendFileSync(ledger, `${JSON.stringify({ name, seconds, actual })}\n`);
}

const children = new Set<ChildProcess>();

/** Programs that a test has started are ended with it where it takes too long. */
export function endWithTest(child: ChildProcess): void {
  children.add(child);
  child.on('close', () => children.delete(child));
}

/** Rejects when work takes longer than a bound; what it has started is ended. */
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
 * A test of the lab: left out with its group, and failed when it hangs. `seconds` is its own bound on the reference machine,
 * where that of its group is not the right one.
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

/** What has to be done before the tests of a group, or of all groups; left out with its group. */
export function before(work: () => unknown): void {
  const entry = current;
  nodeBefore(async () => {
    await allKnown();
    if (!entry || !refusal(entry)) await within(scaled(LONGEST_S), work);
  });
}
