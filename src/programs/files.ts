import { quote } from '../shell/quote.ts';

/** POSIX sh that prints a small existing file without starting a process: sh reads it byte by byte. */
export const showFile = (path: string): string =>
  `[ ! -r ${quote(path)} ] || while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done < ${quote(path)}`;

/**
 * POSIX sh that moves a directory's contents into one inside it, so that it is empty for its owner and nothing is lost.
 * It works for a mount point too, which cannot be renamed, and stays on its disk. `name` may hold a command
 * substitution. Contents that were set aside earlier stay in place. Ends the script on failure.
 */
export const setContentsAside = (path: string, name: string): string => `if [ -d ${quote(path)} ]; then
  aside=${quote(`${path}/aside-`)}"${name}"
  mkdir -m 0700 "$aside" || exit 1
  find ${quote(path)} -mindepth 1 -maxdepth 1 ! -name 'aside-*' ! -name lost+found -exec mv -t "$aside" -- {} + || exit 1
fi`;

/**
 * POSIX sh that makes the missing parents of a path, whatever the umask, and changes no existing one. Each has mode
 * 0755 and belongs to root, or to `owner` when the nearest existing one does. `group` is the owner's login group by
 * default.
 */
export const makeParents = (path: string, owner: string, group = ''): string => `up=$(dirname -- ${quote(path)})
while [ ! -d "$up" ]; do up=$(dirname -- "$up"); done
( umask 022; mkdir -p -- "$(dirname -- ${quote(path)})" )
made=$(dirname -- ${quote(path)})
if [ "$(stat -Lc %U -- "$up")" = ${quote(owner)} ]; then
  while [ "$made" != "$up" ]; do chown ${quote(`${owner}:${group}`)} "$made"; made=$(dirname -- "$made"); done
fi`;

/** POSIX sh that ends with 1, the reason and the cure when an account cannot enter a directory or one of its parents. */
export const canEnter = (path: string, account: string): string =>
  account === 'root'
    ? ':'
    : `runuser -u ${quote(account)} -- test -x ${quote(path)} || (
  p=${quote(path)} shut=
  IFS=/
  set -f
  for part in \${p#/}; do
    shut=$shut/$part
    runuser -u ${quote(account)} -- test -x "$shut" || break
  done
  echo ${quote(`${account} cannot get to ${path}`)}": $shut is $(stat -Lc '%A %U:%G' -- "$shut"); \\"chmod o+x $shut\\" on the host opens it"
  exit 1
)`;

const df = (column: number) => (path: string) => `df -Pk -- ${path} | awk 'NR == 2 {print $${column}}'`;

/** POSIX sh that prints the used space of a file system (KiB), or nothing when unknown. `path` is a word of sh. */
export const usedKiB: (path: string) => string = df(3);

/** POSIX sh that prints the free space of a file system (KiB), or nothing when unknown. `path` is a word of sh. */
export const freeKiB: (path: string) => string = df(4);

/** Reads the output of `usedKiB` or `freeKiB` (bytes). Throws when it is empty. */
export function bytesOfKiB(text: string | undefined): number {
  if (!/^\d+$/.test(text ?? '')) throw new Error(`the size of a file system is not reported: "${text ?? ''}"`);
  return Number(text) * 1024;
}

/** POSIX sh that prints the size of a directory, a word of sh, on its own file system (KiB); nothing after `seconds`. */
export const usedOn = (path: string, seconds: number): string =>
  `timeout ${seconds} du -skx -- ${path} 2>/dev/null | cut -f 1`;

/**
 * POSIX sh that prints the size of a directory without logs (bytes); links are followed, so WAL and tablespaces
 * elsewhere count. Prints nothing when the directory is absent, or when counting takes longer than `seconds`.
 */
export const sizeOf = (path: string, seconds: number): string =>
  `timeout ${seconds} du -skL --exclude=log --exclude=pg_log -- ${quote(path)} 2>/dev/null | awk '{printf "%.0f\\n", $1 * 1024}'`;
