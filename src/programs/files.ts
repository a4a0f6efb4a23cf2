import { quote } from '../shell/quote.ts';

/**
 * POSIX sh that moves what a directory holds into one inside it, so that it is empty for whoever owns it and nothing is
 * lost. A directory that is a mount point cannot be renamed; this works for every one, and stays on its disk. `name` may hold
 * a command substitution. What was set aside before stays where it is.
 */
export const setContentsAside = (path: string, name: string): string => `if [ -d ${quote(path)} ]; then
  aside=${quote(`${path}/aside-`)}"${name}"
  mkdir -m 0700 "$aside"
  find ${quote(path)} -mindepth 1 -maxdepth 1 ! -name 'aside-*' ! -name lost+found -exec mv -t "$aside" -- {} +
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
