import { quote } from './quote.ts';

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
