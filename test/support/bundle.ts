import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/**
 * Bundles programs from the present sources, as the package is built, and returns their files, in order. Loading the
 * sources one by one takes up to two seconds of processor time, a bundle a quarter of one. The bundles are removed when
 * this process ends. They lie in the checkout, because the program looks for its templates above itself.
 */
export function bundles(entries: readonly string[]): string[] {
  const directory = join(packageRoot, '.test', String(process.pid));
  execFileSync(process.execPath, ['build.mjs', directory, ...entries], { cwd: packageRoot });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return entries.map((entry) => join(directory, basename(entry).replace(/\.ts$/, '.js')));
}

/** The command line that runs a bundled program. */
export const bundled = (entry: string): string[] => [process.execPath, ...bundles([entry])];
