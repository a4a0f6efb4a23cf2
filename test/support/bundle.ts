import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/** Directories with bundles that this process has made. */
let made = 0;

/** The file of an entry's bundle, as build.mjs names it: by its path, since folders may hold files of the same name. */
const bundleIn = (directory: string, entry: string): string =>
  join(directory, entry.replace(/\.ts$/, '.js').replaceAll('/', '-'));

/** A name for a directory in the checkout, because the program looks for its templates above itself. It is removed when this process ends. */
function newDirectory(): string {
  const directory = join(packageRoot, '.test', `${process.pid}-${++made}`);
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Bundles programs from the present sources, as the package is built, and returns their files, in order. Loading the
 * sources one by one takes up to two seconds of processor time, a bundle a quarter of one.
 */
export function bundles(entries: readonly string[]): string[] {
  const directory = newDirectory();
  execFileSync(process.execPath, ['build.mjs', directory, ...entries], { cwd: packageRoot });
  return entries.map((entry) => bundleIn(directory, entry));
}

/** The programs that unit tests start as processes of their own, by name. */
const PROGRAMS = {
  hapg: () => builtProgram(),
  'progress-program': () => bundles(['test/support/progress-program.ts'])[0]!,
};

/** Builds hapg from the present sources, as the package is built, and returns its file. */
function builtProgram(): string {
  const directory = newDirectory();
  execFileSync(process.execPath, ['build.mjs', directory], { cwd: packageRoot });
  return join(directory, 'hapg.js');
}

const variable = (name: string): string => `HAPG_TEST_PROGRAM_${name.replaceAll('-', '_').toUpperCase()}`;

/** Builds these programs once, for the test files that this process starts. */
export function buildPrograms(): void {
  for (const [name, build] of Object.entries(PROGRAMS)) process.env[variable(name)] = build();
}

/** The words that run a program: as the runner has built it where this file was started by it, else built now. */
export const programWords = (name: keyof typeof PROGRAMS): string[] => [
  process.execPath,
  process.env[variable(name)] ?? PROGRAMS[name](),
];
