import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { control, copyright, debianArchitecture, debianVersion } from './deb-control.ts';
import { COPYRIGHT, debianTree, type Entry } from './deb-tree.ts';
import { nodeLicense } from './executable.ts';
import { ownLibraries } from './libraries.ts';

/** Writes a file of the package below `root`; returns what it takes (KiB). */
function put(root: string, to: string, content: Buffer | string, mode = 0o644): number {
  const file = join(root, to);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
  return Math.ceil(statSync(file).size / 1024);
}

function putEntry(root: string, { to, from, gzip }: Entry): number {
  const content = readFileSync(from);
  // zlib writes no time into its header, as "gzip -n".
  if (gzip) return put(root, to, gzipSync(content, { level: 9 }));
  return put(root, to, content, to.startsWith('usr/bin/') ? 0o755 : 0o644);
}

/** The name of the package's file. */
export const debName = (version: string): string =>
  `hapg_${debianVersion(version)}_${debianArchitecture(process.arch)}.deb`;

/**
 * Writes Debian's package of the executable, and of the documents among these files of npm's package. `epoch` is the time
 * of all files in it (s).
 */
export function makeDeb(file: string, executable: string, paths: readonly string[], epoch: number): void {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const root = mkdtempSync(join(tmpdir(), 'hapg-deb-'));
  try {
    // mkdtemp makes it private, and it becomes the package's "/".
    chmodSync(root, 0o755);
    const licenses = copyright(readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8'), nodeLicense());
    const sizes = [
      ...debianTree(paths, executable).map((entry) => putEntry(root, entry)),
      put(root, COPYRIGHT, licenses),
    ];
    put(
      root,
      'DEBIAN/control',
      control({
        version,
        architecture: debianArchitecture(process.arch),
        libraries: ownLibraries(),
        size: sizes.reduce((sum, one) => sum + one, 0),
      }),
    );
    // The lowest level makes it a tenth larger than the highest, in a fraction of the time.
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', root, file], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(root, { recursive: true });
  }
}
