import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

/** The marks by which Node finds what was put into it (https://nodejs.org/api/single-executable-applications.html). */
const RESOURCE = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** The name of Node's licence in the executable. */
export const NODE_LICENSE = 'NODE-LICENSE.txt';

/** The files of the package that only npm needs. */
const NOT_INSIDE = new Set(['dist/hapg.js']);

/** The file with the licence of the Node that runs this, which lies in different places; undefined where it has none. */
export function nodeLicenseFile(): string | undefined {
  const near = join(dirname(process.execPath), '..');
  return [join(near, 'LICENSE'), join(near, 'share/doc/nodejs/LICENSE')].find(existsSync);
}

/** Node's licence; else where it is to be read. */
export function nodeLicense(): string {
  const file = nodeLicenseFile();
  return file
    ? readFileSync(file, 'utf8')
    : `The executable contains Node.js ${process.version}, under the licences in
https://github.com/nodejs/node/blob/${process.version}/LICENSE
`;
}

/** Bundles what runs first in the executable; returns its file. */
async function launcher(directory: string): Promise<string> {
  const outfile = join(directory, 'launch.cjs');
  await build({
    entryPoints: ['src/launch-executable.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
  });
  return outfile;
}

/** Runs a tool that makes a part of the executable; what it says is only of interest when it fails. */
const tool = (...words: string[]): void => {
  execFileSync(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** Makes the file that Node calls a blob: the launcher and these files of the package. */
async function blob(directory: string, paths: readonly string[]): Promise<string> {
  const license = join(directory, NODE_LICENSE);
  const list = join(directory, 'files.json');
  const inside = paths.filter((path) => !NOT_INSIDE.has(path));
  writeFileSync(license, nodeLicense());
  writeFileSync(list, JSON.stringify([...inside, NODE_LICENSE]));
  const output = join(directory, 'blob');
  const assets = {
    ...Object.fromEntries(inside.map((path) => [path, resolve(path)])),
    [NODE_LICENSE]: license,
    'files.json': list,
  };
  const file = join(directory, 'sea.json');
  const main = await launcher(directory);
  writeFileSync(file, JSON.stringify({ main, output, assets, disableExperimentalSEAWarning: true }));
  tool('--experimental-sea-config', file);
  return output;
}

/** Writes a single executable of these files of the package and of the Node that runs this. */
export async function makeExecutable(file: string, paths: readonly string[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-executable-'));
  try {
    const content = await blob(directory, paths);
    copyFileSync(process.execPath, file);
    chmodSync(file, 0o755);
    tool('node_modules/postject/dist/cli.js', file, RESOURCE, content, '--sentinel-fuse', FUSE);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
