/** Makes what a release consists of, in release/: `npm run release`. Needs Debian's dpkg-deb and a Node of nodejs.org. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checksums } from './release/checksums.ts';
import { debName, makeDeb } from './release/deb.ts';
import { makeExecutable, nodeLicenseFile } from './release/executable.ts';
import { ownLibraries } from './release/libraries.ts';
import { pack } from './release/package.ts';

const DIRECTORY = 'release';
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** The time of the last commit (s), so that the same sources make the same files; SOURCE_DATE_EPOCH where there is no git. */
const epoch = Number(
  process.env.SOURCE_DATE_EPOCH || execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' }),
);

// Directories of the packages are for everybody, whatever the person who makes them has set.
process.umask(0o022);
if (!nodeLicenseFile())
  console.error(
    "Node's licence is not beside it: the release only says where it is. Publish one with a Node of nodejs.org.",
  );
// Refused before the work: what this Node needs, other machines must have.
ownLibraries();
rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY);
const { filename, paths } = pack(DIRECTORY);
const executable = `hapg-${version}-${process.platform}-${process.arch}`;
await makeExecutable(join(DIRECTORY, executable), paths);
const deb = debName(version);
makeDeb(join(DIRECTORY, deb), join(DIRECTORY, executable), paths, epoch);
writeFileSync(join(DIRECTORY, 'SHA256SUMS'), checksums(DIRECTORY, [filename, executable, deb]));
for (const name of [filename, executable, deb, 'SHA256SUMS']) console.log(join(DIRECTORY, name));
