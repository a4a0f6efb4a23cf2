import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import type { InventoryFiles } from './load.ts';
import { globOf } from './select.ts';

const HAS_PATTERN = /[*?[]/;

/** Returns the names in a directory; none where it cannot be read. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Returns the paths that a pattern matches, in their order. A pattern does not match across a slash, nor a leading dot. */
function matching(pattern: string): string[] {
  const [first, ...parts] = pattern.split('/');
  const start = first === '' ? ['/'] : HAS_PATTERN.test(first!) ? [] : [first!];
  const rest = start.length > 0 ? parts : [first!, ...parts];
  return rest
    .reduce<string[]>(
      (paths, part) => {
        if (!HAS_PATTERN.test(part)) return paths.map((path) => join(path, part)).filter(existsSync);
        const glob = globOf(part, '-i');
        return paths.flatMap((path) =>
          namesIn(path)
            .filter((name) => !name.startsWith('.') && glob.test(name))
            .map((name) => join(path, name)),
        );
      },
      start.length > 0 ? start : ['.'],
    )
    .sort();
}

/**
 * Returns the inventories of several clusters that a pattern such as `clusters/*.yaml` names; undefined where `files` are
 * those of one cluster. Throws UsageError for a pattern that matches nothing.
 */
export function severalInventories(files: InventoryFiles): string[] | undefined {
  const [pattern, ...others] = typeof files === 'string' ? [files] : files;
  if (pattern === undefined || others.length > 0 || !HAS_PATTERN.test(pattern) || existsSync(pattern)) return undefined;
  const found = matching(pattern);
  if (found.length === 0) throw new UsageError(`-i ${pattern}: matches no file`);
  return found;
}
