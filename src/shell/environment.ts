import { words } from './quote.ts';

/**
 * The whole environment of a program that hapg runs on a host. Settings of the host's login files, PAM,
 * /etc/environment or systemd (proxies, locales, PGHOST, PYTHONPATH) do not reach it. LC_ALL=C keeps parsed output in
 * one language. HOME names no directory, so that no file of a user is read (~/.pgpass, ~/.psqlrc, ~/.config). PATH is
 * that of Debian's root.
 */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
} as const;

/** Prefix of a command line that gives a program that environment and no other variable; for any shell. */
export const CLEAN_ENVIRONMENT: string = words(
  '/usr/bin/env',
  '-i',
  ...Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`),
);

/**
 * Returns a command line for any login shell that becomes the superuser's `/bin/sh` with that environment, an ordinary
 * umask and `/` as its directory. The shell prints the line `announcement` first: output before it comes from the
 * host's login files. The command line does not contain that line, so that a host which echoes its command announces
 * nothing. `become` is the command that gives superuser rights, such as sudo's.
 */
export function rootShellCommand(announcement: string, become: readonly string[] = []): string {
  const half = Math.ceil(announcement.length / 2);
  // No single quotes inside, so that fish and tcsh read it as sh does.
  const begin = `umask 022; cd /; a=${announcement.slice(0, half)}; echo "$a"${announcement.slice(half)}; exec ${CLEAN_ENVIRONMENT} /bin/sh`;
  return `exec ${words(...become, '/bin/sh', '-c', begin)}`;
}
