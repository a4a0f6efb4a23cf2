import { asPostgres, POSTGRES } from './postgres.ts';

/** pgBackRest's configuration on every host that has it. */
export const PGBACKREST_CONFIG = '/etc/pgbackrest/pgbackrest.conf';

/** POSIX sh command pgbackrest on a stanza. */
export const pgbackrest = (stanza: string, ...args: readonly string[]): string =>
  asPostgres('pgbackrest', `--stanza=${stanza}`, ...args);

/** POSIX sh that prints the contents of the repositories as one line of JSON. */
export const info = (stanza: string, ...options: readonly string[]): string =>
  pgbackrest(stanza, ...options, 'info', '--output=json');

/** POSIX sh that ends the script with pgBackRest's last lines, without the one that repeats its arguments. */
const FAILED = `{ printf '%s\\n' "$out" | grep -v 'command begin' | tail -n 4; exit 1; }`;

/** POSIX sh that closes a WAL segment and waits until it is in every repository; fails with pgBackRest's reason. */
export const check = (stanza: string): string => `out=$(${pgbackrest(stanza, 'check')} 2>&1) || ${FAILED}`;

/**
 * POSIX sh that makes or upgrades a stanza, then checks archiving; fails with pgBackRest's reason. It retries: members
 * with a segment to archive hold the lock as soon as the repository answers.
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
 * POSIX sh that deletes all backups of a stanza from these repositories; it tries every one, and fails when one fails.
 * The required stop file on this host is removed: it would keep a later cluster of this name from archiving.
 */
export const deleteStanza = (
  stanza: string,
  repositories: readonly number[],
): string => `${pgbackrest(stanza, 'stop')} || exit 1
rc=0
${repositories.map((key) => `${pgbackrest(stanza, `--repo=${key}`, '--force', 'stanza-delete')} || rc=1`).join('\n')}
${pgbackrest(stanza, 'start')} || rc=1
exit $rc`;

/** How many of the files that a verification finds fault with are named. */
const NAMED_FILES = 20;

/**
 * POSIX sh that reads everything in these repositories and compares it with its checksums, one after the other; read by
 * `parseVerification`. pgBackRest ends with 0 although it has found damage, and is silent about a gap in the WAL, which
 * only the ranges among its details show.
 */
export const verify = (stanza: string, repositories: readonly number[]): string =>
  repositories
    .map(
      (key) => `echo @repository ${key}
{ ${pgbackrest(stanza, `--repo=${key}`, '--verbose', '--output=text', '--log-level-console=detail', '--log-level-file=off', 'verify')} 2>&1; echo "@code $?"; } |
  awk '/ INFO: invalid / { if (++n <= ${NAMED_FILES}) print; next } /^(@|status:|  [A-Za-z])/ || / DETAIL: archiveId:| ERROR: /'`,
    )
    .join('\n');

/** POSIX sh that prints how many bytes a verification has read by now: from disks and through the network alike. */
export const VERIFIED_BYTES = `for pid in $(pgrep -u ${POSTGRES.owner} -f 'pgbackrest .*verify'); do cat "/proc/$pid/io"; done 2>/dev/null | awk '/^rchar:/ { sum += $2 } END { printf "%.0f", sum }'`;

/** POSIX sh that ends the script with pgBackRest's words, unless they say that it has understood its configuration. */
const unlessUnderstood = (words: string): string =>
  `case "$out" in *'configuration file contains'*) ;; *'${words}'*) out= ;; esac
[ -z "$out" ] || { printf '%s\n' "$out"; exit 1; }`;

/**
 * POSIX sh that lets pgBackRest judge a configuration file, and ends the script with what it says when it does not accept
 * it. `file` is a word of sh. Nothing is contacted or changed: one call lacks its segment, the other one names no backup,
 * which pgBackRest finds after it has read all options. It takes the calls of a host that has a database, that reaches the
 * repositories, or both.
 */
export function judgeConfig(file: string, stanza: string, has: { database: boolean; repositories: boolean }): string {
  const call = (...args: readonly string[]) =>
    `${pgbackrest(stanza, '--log-level-console=warn', '--log-level-file=off', ...args)} --config=${file}`;
  return [
    ...(has.database
      ? [`out=$(${call('archive-push')} 2>&1) || :\n${unlessUnderstood('WAL segment to push required')}`]
      : []),
    // With locks of its own: a backup that runs now is no reason to reject a file.
    ...(has.repositories
      ? [
          `locks=$(${asPostgres('mktemp', '-d')})
out=$(${call('--set=none', 'expire')} --lock-path="$locks" 2>&1) || :
rm -rf "$locks"
${unlessUnderstood('is not a valid backup label format')}`,
        ]
      : []),
  ].join('\n');
}
