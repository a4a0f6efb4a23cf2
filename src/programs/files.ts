import { quote } from '../shell/quote.ts';

/** POSIX sh that prints a small file that is there, without a process of its own: sh reads it byte by byte. */
export const showFile = (path: string): string =>
  `[ ! -r ${quote(path)} ] || while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done < ${quote(path)}`;

/**
 * POSIX sh that moves what a directory holds into one inside it, so that it is empty for whoever owns it and nothing is
 * lost. A directory that is a mount point cannot be renamed; this works for every one, and stays on its disk. `name` may hold
 * a command substitution. What was set aside before stays where it is. Ends the script where it cannot.
 */
export const setContentsAside = (path: string, name: string): string => `if [ -d ${quote(path)} ]; then
  aside=${quote(`${path}/aside-`)}"${name}"
  mkdir -m 0700 "$aside" || exit 1
  find ${quote(path)} -mindepth 1 -maxdepth 1 ! -name 'aside-*' ! -name lost+found -exec mv -t "$aside" -- {} + || exit 1
fi`;

/**
 * POSIX sh that makes the missing parents of a path, whatever the umask, and changes none that is there: each is entered by
 * everybody (0755) and belongs to root, or to `owner` where the nearest one that is there already does. `group`: that of the
 * owner's login unless said.
 */
export const makeParents = (path: string, owner: string, group = ''): string => `up=$(dirname -- ${quote(path)})
while [ ! -d "$up" ]; do up=$(dirname -- "$up"); done
( umask 022; mkdir -p -- "$(dirname -- ${quote(path)})" )
made=$(dirname -- ${quote(path)})
if [ "$(stat -Lc %U -- "$up")" = ${quote(owner)} ]; then
  while [ "$made" != "$up" ]; do chown ${quote(`${owner}:${group}`)} "$made"; made=$(dirname -- "$made"); done
fi`;

/** POSIX sh that ends with 1, the reason and the cure where an account cannot get into a directory, or into one above it. */
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

/** POSIX sh that prints how much of a file system is used (KiB); nothing when that cannot be told. `path` is a word of sh. */
export const usedKiB: (path: string) => string = df(3);

/** POSIX sh that prints how much of a file system is free (KiB); nothing when that cannot be told. `path` is a word of sh. */
export const freeKiB: (path: string) => string = df(4);

/** Reads what one of them printed, as bytes. Throws when it told nothing. */
export function bytesOfKiB(text: string | undefined): number {
  if (!/^\d+$/.test(text ?? '')) throw new Error(`the size of a file system is not told: "${text ?? ''}"`);
  return Number(text) * 1024;
}

/**
 * POSIX sh that prints how many bytes a directory holds, links followed (WAL and tablespaces that stand elsewhere count), and
 * logs left out. Prints nothing while the directory is not there, or where counting takes longer than `seconds`.
 */
export const sizeOf = (path: string, seconds: number): string =>
  `timeout ${seconds} du -skL --exclude=log --exclude=pg_log -- ${quote(path)} 2>/dev/null | awk '{printf "%.0f\\n", $1 * 1024}'`;
