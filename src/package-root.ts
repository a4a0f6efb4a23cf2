import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

/**
 * The directory of package.json, from which templates and examples are found, in the checkout and when installed. For the
 * executable its own path, below which messages name what it contains.
 */
export const packageRoot = ((): string => {
  if (isSea()) return process.execPath;
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
})();
