import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/**
 * Bundles programs as they are in the sources now, in the way in which the package is built, and returns their files, in
 * order. Loading the sources one by one takes up to two seconds of processor time, a bundle a quarter of one. They are
 * removed when this process ends; they lie in the checkout, for the program looks for its templates above itself.
 */
export function bundles(entries: readonly string[]): string[] {
  const directory = join(packageRoot, '.test', String(process.pid));
  execFileSync(process.execPath, ['build.mjs', directory, ...entries], { cwd: packageRoot });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return entries.map((entry) => join(directory, basename(entry).replace(/\.ts$/, '.js')));
}

/** The words that run a program, bundled. */
export const bundled = (entry: string): string[] => [process.execPath, ...bundles([entry])];
