import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/** Directories with bundles that this process has made. */
let made = 0;

/** The file of an entry's bundle, as build.mjs names it: by its path, since folders may hold files of the same name. */
const bundleIn = (directory: string, entry: string): string =>
  join(directory, entry.replace(/\.ts$/, '.js').replaceAll('/', '-'));

/**
 * Bundles programs from the present sources, as the package is built, and returns their files, in order. Loading the
 * sources one by one takes up to two seconds of processor time, a bundle a quarter of one. The bundles are removed when
 * this process ends. They lie in the checkout, because the program looks for its templates above itself.
 */
export function bundles(entries: readonly string[]): string[] {
  const directory = join(packageRoot, '.test', `${process.pid}-${++made}`);
  // The program is always a file of its own: inside a test's bundle it would take the test for a command line and run it.
  const all = [...new Set([...entries, 'src/cli.ts'])];
  execFileSync(process.execPath, ['build.mjs', directory, ...all], { cwd: packageRoot });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return entries.map((entry) => bundleIn(directory, entry));
}

/** The programs that unit tests start as processes of their own. */
const PROGRAMS = ['src/cli.ts', 'test/support/progress-program.ts'];

/** Bundles these programs once, for the test files that this process starts. */
export function bundlePrograms(): void {
  process.env.HAPG_TEST_PROGRAMS = dirname(bundles(PROGRAMS)[0]!);
}

/**
 * Options of V8 for a process that lives about a second: the optimising compiler and the collector's small first heap cost
 * it an eighth of its processor time.
 */
const SHORT_LIVED = ['--no-opt', '--min-semi-space-size=32', '--max-semi-space-size=64'];

/** The words that run a program, bundled: by the runner where this file was started by it, else now. */
export function bundled(entry: string): string[] {
  const directory = process.env.HAPG_TEST_PROGRAMS;
  const [file] = directory && PROGRAMS.includes(entry) ? [bundleIn(directory, entry)] : bundles([entry]);
  return [process.execPath, ...SHORT_LIVED, file!];
}
