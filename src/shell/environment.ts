import { words } from './quote.ts';

/**
 * All that a program which hapg runs on a host finds in its environment. What the host's login files, PAM, /etc/environment
 * or systemd's own settings say (proxies, locales, PGHOST, PYTHONPATH) reaches none of them.
 * LC_ALL=C: what is parsed is asked for in one language. HOME names no directory, so that no file of a user is read
 * (~/.pgpass, ~/.psqlrc, ~/.config). PATH is that of Debian's root.
 */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
} as const;

/** The words in front of a command line with which a program sees that environment and no other variable; for any shell. */
export const CLEAN_ENVIRONMENT: string = words(
  '/usr/bin/env',
  '-i',
  ...Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`),
);

/**
 * The command line, for whatever shell the login has, that becomes the super user's `/bin/sh` with that environment, an
 * ordinary umask and `/` as its directory. `announcement` is the line that the shell prints first: what stands before it
 * was printed by the host's login files. The command line does not contain that line, so that a host which repeats its
 * command announces nothing. `become`: the command that gives the rights of the super user, such as sudo's.
 */
export function rootShellCommand(announcement: string, become: readonly string[] = []): string {
  const half = Math.ceil(announcement.length / 2);
  // Without single quotes inside, so that fish and tcsh read it as sh does.
  const begin = `umask 022; cd /; a=${announcement.slice(0, half)}; echo "$a"${announcement.slice(half)}; exec ${CLEAN_ENVIRONMENT} /bin/sh`;
  return `exec ${words(...become, '/bin/sh', '-c', begin)}`;
}
