import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Refused } from '../errors.ts';

/** A file as it was read. */
export interface FileRead {
  bytes: Buffer;
  /** When it was modified (ms since the epoch). */
  modified: number;
  /** Permission bits. */
  mode: number;
}

const CURES: Record<string, string> = {
  EACCES: 'run hapg as the user that owns it',
  EPERM: 'run hapg as the user that owns it',
  EROFS: 'its file system is mounted read-only',
  ENOSPC: 'make room on that disk',
  EDQUOT: 'make room on that disk',
  ENOTDIR: 'a file stands where a directory is needed',
  EEXIST: 'a file stands where a directory is needed',
  ELOOP: 'its links go round in a circle',
};

/** Runs `work`; an error of the operating system becomes Refused with the file and the cure. */
export function onDisk<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (!code || !syscall) throw cause;
    throw new Refused(`${doing}: ${code}${CURES[code] ? `; ${CURES[code]}` : ''}`, 'directory');
  }
}

const isLink = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/**
 * Reads a whole file, through links; undefined when there is none. Throws Refused when it cannot be read. A dangling
 * link is no missing file, since a mount may be missing.
 */
export function readWhole(file: string): FileRead | undefined {
  return onDisk(`${file} cannot be read`, () => {
    if (!lstatSync(file, { throwIfNoEntry: false })) return undefined;
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!stat)
      throw new Refused(
        `${file} is a link to ${readlinkSync(file)}, which is not there: mount what belongs there, or remove the link`,
        'directory',
      );
    if (!stat.isFile())
      throw new Refused(
        `${file} is ${stat.isDirectory() ? 'a directory' : 'no regular file'}: move it away, and bring the file back from a backup or from version control`,
        'directory',
      );
    return { bytes: readFileSync(file), modified: stat.mtimeMs, mode: stat.mode & 0o777 };
  });
}

/** Makes a rename or removal in a directory survive a power cut (fsync(2), "Notes"). */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } catch (cause) {
    // Some network file systems do not support fsync of a directory.
    if (!['EINVAL', 'ENOTSUP', 'EISDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
  } finally {
    closeSync(descriptor);
  }
}

/** Returns the name under which a file's new content is written before it replaces the file. */
export const freshName = (file: string): string => `${file}.new`;

/**
 * Replaces a file: a new file (mode 0600 by default) is written, fsynced, read back and given to `confirm`, which rejects wrong
 * content. Then it is renamed, and the directory fsynced. A crash leaves the former content or the new one, never a
 * part. For a link its target is replaced, and the link stays. Throws Refused.
 */
export async function replaceFile(
  file: string,
  content: Uint8Array,
  confirm: (written: Buffer) => void | Promise<void>,
  mode = 0o600,
): Promise<void> {
  const failing = `${file} cannot be written, and is as it was`;
  const target = onDisk(failing, () => (isLink(file) ? realpathSync(file) : file));
  const fresh = freshName(target);
  try {
    onDisk(failing, () => {
      rmSync(fresh, { force: true });
      const descriptor = openSync(fresh, 'wx', 0o600);
      try {
        fchmodSync(descriptor, mode);
        writeFileSync(descriptor, content);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
    await confirm(onDisk(failing, () => readFileSync(fresh)));
    onDisk(failing, () => renameSync(fresh, target));
  } catch (cause) {
    try {
      rmSync(fresh, { force: true });
    } catch {
      // The error that counts is why the file was not written; the next write removes the rest.
    }
    throw cause;
  }
  onDisk(`${file} is written, but may not outlast a power cut`, () => syncDirectory(dirname(target)));
}

/** Removes a file; for a link, its target first. Throws Refused. */
export function removeFile(file: string): void {
  onDisk(`${file} cannot be removed`, () => {
    if (isLink(file)) {
      const target = realpathSync(file);
      unlinkSync(target);
      syncDirectory(dirname(target));
    }
    unlinkSync(file);
    syncDirectory(dirname(file));
  });
}
