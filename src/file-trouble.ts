import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from './errors.ts';

/** Messages for the operating system's errors about files of this machine (errno(3)). */
const TROUBLE: Record<string, string> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'something is there already',
  EFBIG: 'it would be too large',
  EIO: 'the disk does not answer rightly',
  EISDIR: 'it is a directory',
  ELOOP: 'its links go in a circle',
  EMFILE: 'too many files are open (ulimit -n)',
  ENAMETOOLONG: 'its name is too long',
  ENFILE: 'too many files are open on this machine',
  ENOENT: 'there is no such file or directory',
  ENOSPC: 'no space is left on the disk',
  ENOTDIR: 'what should be a directory on its way is a file',
  ENOTEMPTY: 'the directory is not empty',
  EPERM: 'it is not permitted',
  EROFS: 'it is on a file system that is read-only',
  ERR_INVALID_ARG_VALUE: 'no file can have that name',
};

/** Describes an error of the operating system about a file of this machine; undefined for any other error. */
export function fileTrouble(error: unknown): string | undefined {
  const { path, dest, syscall } = (error ?? {}) as NodeJS.ErrnoException & { dest?: string };
  const words = errnoWords(error);
  return words && (path ?? syscall) !== undefined ? `${dest ?? path ?? syscall}: ${words}` : undefined;
}

/** Describes the same error without the file's name, for a message that already has it. */
export function errnoWords(error: unknown): string | undefined {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  const meaning = code === undefined ? undefined : TROUBLE[code];
  return meaning && `${meaning} (${code})`;
}

/**
 * Does work with a file that the operator named; an error of the operating system becomes a UsageError that begins with the
 * name.
 */
export function onFile<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const words = errnoWords(cause);
    if (words === undefined) throw cause;
    throw new UsageError(`${name}: ${words}`);
  }
}

/**
 * Makes a directory with those above it. Node's own `recursive` asks for ever where a file system takes no directory and
 * says that there is none (/proc).
 */
export function makeDirectory(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const one of missing) mkdirSync(one);
}

/**
 * Throws UsageError unless a file of this name can be written. To be called before the work whose result goes there.
 */
export function expectWritable(name: string): void {
  onFile(name, () => {
    if (!existsSync(name)) accessSync(dirname(name), constants.W_OK);
    else if (statSync(name).isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
    else accessSync(name, constants.W_OK);
  });
}
