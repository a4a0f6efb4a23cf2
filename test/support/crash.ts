import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** The error that stands for the death of the process. */
export class Crash extends Error {}

/** Calls that change the disk, or make changes durable. */
const CHANGES = [
  'mkdirSync',
  'chmodSync',
  'openSync',
  'fchmodSync',
  'writeFileSync',
  'fsyncSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
  'rmSync',
] as const;

type Call = (...args: unknown[]) => unknown;
const disk = fs as unknown as Record<string, Call>;

/**
 * Runs `work` and calls `on` before every call that changes the disk. It applies to every importer of `node:fs`, which
 * needs no preparation.
 */
async function onWatchedDisk<T>(
  on: (name: string, args: unknown[], real: Call) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  const real = new Map(CHANGES.map((name) => [name, disk[name]!]));
  for (const [name, call] of real)
    disk[name] = (...args) => (name === 'openSync' && args[1] === 'r' ? call(...args) : on(name, args, call));
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    for (const [name, call] of real) disk[name] = call;
    syncBuiltinESMExports();
  }
}

/**
 * Runs `work` until its change number `at` (from 1), at which the process dies: no cleanup reaches the disk, and a
 * write is torn in the middle. Returns whether the work ended before; rejects with every other error.
 */
export async function dyingAt(at: number, work: () => Promise<unknown>): Promise<boolean> {
  let changes = 0;
  let died = false;
  const die = () => {
    died = true;
    throw new Crash();
  };
  try {
    await onWatchedDisk((name, args, real) => {
      if (died) throw new Crash();
      if (++changes < at) return real(...args);
      if (name === 'writeFileSync') {
        const content = Buffer.from(args[1] as Uint8Array);
        real(args[0], content.subarray(0, content.length / 2), ...args.slice(2));
      }
      return die();
    }, work);
  } catch (cause) {
    if (!died) throw cause;
  }
  return !died;
}

/** The changes that `work` makes, in order: name of the call and base name of the file. */
export async function changesOf(work: () => Promise<unknown>): Promise<string[]> {
  const names = new Map<unknown, string>();
  const changes: string[] = [];
  const base = (path: unknown) => names.get(path) ?? String(path).split('/').at(-1)!;
  const real = { open: disk.openSync!, close: disk.closeSync! };
  // Directories are opened for reading; their names are kept for fsync.
  disk.openSync = (...args) => {
    const descriptor = real.open(...args);
    names.set(descriptor, base(args[0]));
    return descriptor;
  };
  try {
    await onWatchedDisk((name, args, call) => {
      const result = call(...args);
      changes.push(`${name.replace('Sync', '')} ${base(args[0])}`);
      return result;
    }, work);
  } finally {
    disk.openSync = real.open;
    syncBuiltinESMExports();
  }
  return changes;
}
