import { execFileSync } from 'node:child_process';

/** Debian's packages of the shared libraries that the Node of nodejs.org needs. */
const PACKAGES: Readonly<Record<string, string>> = {
  'libc.so.6': 'libc6 (>= 2.28)',
  'libdl.so.2': 'libc6 (>= 2.28)',
  'libm.so.6': 'libc6 (>= 2.28)',
  'libpthread.so.0': 'libc6 (>= 2.28)',
  'librt.so.1': 'libc6 (>= 2.28)',
  'libatomic.so.1': 'libatomic1',
  'libgcc_s.so.1': 'libgcc-s1',
  'libstdc++.so.6': 'libstdc++6',
};

/** The names of the shared libraries in what ldd(1) printed, without the loader and what the kernel brings. */
const namesIn = (printed: string): string[] =>
  printed
    .split('\n')
    .map((line) => line.trim().split(/\s/)[0]!)
    .filter((name) => name && !/^(linux-vdso|linux-gate|\/)/.test(name));

/**
 * The packages of Debian with the shared libraries of a program, from what ldd(1) printed about it. Throws for a library that
 * not every Debian and Ubuntu has in the same version: distributions link their Node with such ones.
 */
export function packagesOf(printed: string): string[] {
  const names = namesIn(printed);
  const strange = names.filter((name) => !PACKAGES[name]);
  if (strange.length > 0)
    throw new Error(
      `this Node needs ${strange.join(', ')}, which other machines do not have: make the release with a Node of nodejs.org`,
    );
  return [...new Set(names.map((name) => PACKAGES[name]!))].sort();
}

/** The packages of Debian with the shared libraries of the Node that runs this. */
export const ownLibraries = (): string[] => packagesOf(execFileSync('ldd', [process.execPath], { encoding: 'utf8' }));
