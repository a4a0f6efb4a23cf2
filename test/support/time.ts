import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The speed of a machine: time of 200 processes, one after another, and of one fsync of 8 KiB (ms). */
export interface Speed {
  forksMs: number;
  fsyncMs: number;
}

/** The reference machine, for which the bounds in the tests and the durations of their groups are written. */
export const REFERENCE: Speed = { forksMs: 200, fsyncMs: 0.2 };

/** The part of a lab's time on the reference machine that waits for the disk (estimate); the rest is processor time. */
const DISK = 0.05;
/** Largest factor: a slower machine is broken, and a bound of half an hour would only hide it. */
const HIGHEST = 10;

/** Slowdown against the reference machine, from 1 to 10, to one digit. */
export function factorOf({ forksMs, fsyncMs }: Speed): number {
  const times = ((1 - DISK) * forksMs) / REFERENCE.forksMs + (DISK * fsyncMs) / REFERENCE.fsyncMs;
  return Math.min(HIGHEST, Math.max(1, Math.round(times * 10) / 10));
}

/** The least of up to five measurements that begin within three seconds: other load must not count. */
function best(measure: () => number): number {
  const end = performance.now() + 3000;
  let least = measure();
  for (let turn = 1; turn < 5 && performance.now() < end; turn++) least = Math.min(least, measure());
  return least;
}

function forksMs(): number {
  const started = performance.now();
  spawnSync('sh', ['-c', 'n=0; while [ $n -lt 200 ]; do n=$((n + 1)); /bin/true; done']);
  return performance.now() - started;
}

/** The median of twenty. */
function fsyncMs(directory: string): number {
  const file = openSync(join(directory, 'file'), 'w');
  const block = Buffer.alloc(8192);
  const times: number[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const started = performance.now();
    writeSync(file, block, 0, block.length, turn * block.length);
    fsyncSync(file);
    times.push(performance.now() - started);
  }
  closeSync(file);
  return times.sort((a, b) => a - b)[10]!;
}

/** Measures this machine; takes up to seven seconds on a slow one, one on a fast one. */
function measureSpeed(): Speed {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-speed-'));
  try {
    return { forksMs: best(forksMs), fsyncMs: best(() => fsyncMs(directory)) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const given = Number(process.env.HAPG_TEST_FACTOR) || undefined;

/** The measured speed; undefined where the factor was given. */
export const SPEED: Speed | undefined = given ? undefined : measureSpeed();

/** Factor of every bound: HAPG_TEST_FACTOR, which the runner passes to every file, else measured here. */
export const FACTOR: number = given ?? factorOf(SPEED!);

/** Converts seconds of the reference machine to whole seconds of this one. */
export const seconds = (count: number): number => Math.ceil(count * FACTOR);

/** Converts milliseconds of the reference machine to those of this one. */
export const milliseconds = (count: number): number => Math.ceil(count * FACTOR);

/** Waits for seconds of the reference machine: until something has certainly begun, or could have failed. */
export const pause = (count: number): Promise<void> =>
  new Promise((done) => setTimeout(done, milliseconds(count * 1000)));
