import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of SHA256SUMS for files of a directory, as `sha256sum --check` reads it. */
export const checksums = (directory: string, names: readonly string[]): string =>
  [...names]
    .sort()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('');
