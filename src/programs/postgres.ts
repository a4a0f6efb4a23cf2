import { pipe } from '../shell/pipe.ts';
import { quote, words } from '../shell/quote.ts';

/** PostgreSQL on its host: the directory of its programs, and its port. */
export interface Server {
  binDir: string;
  port: number;
}

/** The account that owns the database, and its group. */
export const POSTGRES = { owner: 'postgres', group: 'postgres' } as const;

/** POSIX sh that runs a program as the account that owns the database. */
export const asPostgres = (...args: readonly string[]): string => `runuser -u ${POSTGRES.owner} -- ${words(...args)}`;

/**
 * POSIX sh that replaces its shell with a question by the same account. It opens no PAM session, whose limits matter
 * only to long work, and no process waits for it. HOME stays as in hapg's own environment.
 */
const askAsPostgres = (...args: readonly string[]): string =>
  `setpriv --reuid=postgres --regid=postgres --init-groups ${words(...args)}`;

/** Directory of PostgreSQL's socket; only the operating system's postgres may log in there. */
export const SOCKET_DIR = '/var/run/postgresql';

/** POSIX sh condition: PostgreSQL's socket exists, so it runs or has died. */
export const hasSocket = ({ port }: Pick<Server, 'port'>): string => `[ -S ${SOCKET_DIR}/.s.PGSQL.${port} ]`;

/** POSIX sh condition: the server accepts connections (pg_isready, "Exit Status"). */
export const accepts = ({ binDir, port }: Server): string =>
  words(`${binDir}/pg_isready`, '-q', '-t', '1', '-h', SOCKET_DIR, '-p', String(port));

/**
 * POSIX sh command psql over the local socket as the superuser; bare values, an error ends it. More arguments follow
 * `database`. It runs the program itself: Debian's /usr/bin/psql is a Perl wrapper that takes four times as long.
 */
export const psql = ({ binDir, port }: Server, database: string, ...more: readonly string[]): string =>
  askAsPostgres(
    ...[`${binDir}/psql`, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', SOCKET_DIR, '-p', String(port), '-d', database],
    ...more,
  );

/** POSIX sh that runs one SQL statement on this host, in the database postgres. */
export const sql = (server: Server, statement: string): string => psql(server, 'postgres', '-c', statement);

/** POSIX sh that runs a checkpoint, so that a following stop is short. */
export const checkpoint = (server: Server): string => sql(server, 'checkpoint');

/**
 * POSIX sh command psql as an application runs it, with a password file (libpq, "The Password File"); bare values. More
 * words follow. A client has only the psql of its package.
 */
export const clientPsql = (uri: string, passwords: string): string =>
  `env ${quote(`PGPASSFILE=${passwords}`)} ${words('psql', '-XAtq', '-d', uri)}`;

/** POSIX sh that prints pg_controldata's value under this heading for a data directory; fails when there is none. */
export const controlData = (binDir: string, dataDir: string, heading: string): string =>
  pipe(words(`${binDir}/pg_controldata`, '-D', dataDir), `sed -n ${quote(`s/^${heading}: *//p`)}`, 'grep .');

/** POSIX sh that fails while a server, such as one that Patroni has left behind, still writes in a directory that is to be moved. */
export const notRunning = (dataDir: string): string =>
  `! pgrep -u ${POSTGRES.owner} -f ${quote(`postgres -D ${dataDir}`)} >/dev/null 2>&1 || { echo 'PostgreSQL still runs'; exit 1; }`;

/** POSIX sh that makes directories for PostgreSQL's data, or gives it existing ones. */
export const ownDirectories = (...paths: readonly string[]): string =>
  `install -d -o ${POSTGRES.owner} -g ${POSTGRES.group} -m 0700 ${words(...paths)}`;

/**
 * POSIX sh that stops a server which Patroni has left running: first it ends its sessions and writes a checkpoint, and
 * after `seconds` it is stopped as it is, so that the next start recovers (pg_ctl(1), "stop"). Fails when it still runs.
 */
export const stopServer = (binDir: string, dataDir: string, seconds: number): string => {
  const stop = (mode: string) =>
    asPostgres(`${binDir}/pg_ctl`, '-D', dataDir, '-s', '-w', '-t', String(seconds), '-m', mode, 'stop');
  return `if pgrep -u ${POSTGRES.owner} -f ${quote(`postgres -D ${dataDir}`)} >/dev/null 2>&1; then ${stop('fast')} || ${stop('immediate')}; fi
${notRunning(dataDir)}`;
};
