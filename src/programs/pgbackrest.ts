import { asPostgres } from './postgres.ts';

/** pgBackRest's configuration on every host that has it. */
export const PGBACKREST_CONFIG = '/etc/pgbackrest/pgbackrest.conf';

/** POSIX sh: pgBackRest on a stanza. */
export const pgbackrest = (stanza: string, ...args: readonly string[]): string =>
  asPostgres('pgbackrest', `--stanza=${stanza}`, ...args);

/** POSIX sh that prints what the repositories hold, as one line of JSON. */
export const info = (stanza: string, ...options: readonly string[]): string =>
  pgbackrest(stanza, ...options, 'info', '--output=json');

/** POSIX sh: ends with what pgBackRest said last; the line that repeats its arguments is none of that. */
const FAILED = `{ printf '%s\\n' "$out" | grep -v 'command begin' | tail -n 4; exit 1; }`;

/** POSIX sh: closes a segment of WAL and waits until it is in every repository; fails with pgBackRest's reason. */
export const check = (stanza: string): string => `out=$(${pgbackrest(stanza, 'check')} 2>&1) || ${FAILED}`;

/**
 * POSIX sh that makes a stanza, or tells it of a new major version, then checks archiving; fails with pgBackRest's reason.
 * Members that have a segment to archive try so as soon as the repository answers, and hold the lock meanwhile.
 */
export const makeStanza = (stanza: string, command: 'stanza-create' | 'stanza-upgrade'): string => `n=0
until out=$(${pgbackrest(stanza, command)} 2>&1); do
  n=$((n + 1))
  case "$out" in *'unable to acquire lock'*) ;; *) n=60 ;; esac
  [ $n -lt 60 ] || ${FAILED}
  sleep 2
done
${check(stanza)}`;

/** POSIX sh that takes a backup into a repository, by its number. */
export const backup = (stanza: string, repository: number, type: 'full' | 'diff' | 'incr'): string =>
  pgbackrest(stanza, `--repo=${repository}`, `--type=${type}`, 'backup');

/**
 * POSIX sh that deletes all backups of a stanza from these repositories; every one is tried, and one that fails fails it. The
 * stop that this takes is a file on this host; it would keep a later cluster of this name from archiving.
 */
export const deleteStanza = (
  stanza: string,
  repositories: readonly number[],
): string => `${pgbackrest(stanza, 'stop')} || exit 1
rc=0
${repositories.map((key) => `${pgbackrest(stanza, `--repo=${key}`, '--force', 'stanza-delete')} || rc=1`).join('\n')}
${pgbackrest(stanza, 'start')} || rc=1
exit $rc`;
