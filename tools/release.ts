/** Makes what a release consists of, in release/: `npm run release`. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checksums } from './release/checksums.ts';
import { makeExecutable } from './release/executable.ts';
import { pack } from './release/package.ts';

const DIRECTORY = 'release';
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY);
const { filename, paths } = pack(DIRECTORY);
const executable = `hapg-${version}-${process.platform}-${process.arch}`;
await makeExecutable(join(DIRECTORY, executable), paths);
writeFileSync(join(DIRECTORY, 'SHA256SUMS'), checksums(DIRECTORY, [filename, executable]));
