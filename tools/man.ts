/** Writes the man pages into a directory: node man.js DIRECTORY. build.mjs bundles and runs it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manPages } from './man-pages.ts';

const [directory = 'dist/man'] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
for (const [name, text] of manPages()) writeFileSync(join(directory, name), text);
