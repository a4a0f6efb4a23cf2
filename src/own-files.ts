import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { packageRoot } from './package-root.ts';

/**
 * Reads one of the program's own files by its path in the package: from the executable where the program is one, which
 * leaves nothing on the disk, else from the package.
 */
export const ownFile = (path: string): string =>
  isSea() ? getAsset(path, 'utf8') : readFileSync(join(packageRoot, path), 'utf8');

/** The version of hapg. */
export const ownVersion = (): string => (JSON.parse(ownFile('package.json')) as { version: string }).version;

/** Whether a path is that of a template, and so none of the operator's files. */
export const isTemplate = (path: string): boolean => relative(packageRoot, path).startsWith('templates/');
