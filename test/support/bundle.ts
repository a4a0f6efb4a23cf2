import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/**
 * Bundles a program as it is in the sources now, in the way in which the package is built, and returns the words that run
 * it. A test that starts a program many times saves most of its time: loading the sources one by one takes two seconds of
 * processor time, the bundle a quarter of one. The bundle is removed when this process ends; it lies in the checkout, for
 * the program looks for its templates above itself.
 */
export function bundled(entry: string): string[] {
  const directory = join(packageRoot, '.test', String(process.pid));
  execFileSync(process.execPath, ['build.mjs', entry, directory, 'program'], { cwd: packageRoot });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return [process.execPath, join(directory, 'program.js')];
}
