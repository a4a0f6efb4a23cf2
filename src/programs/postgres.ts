import { pipe } from '../shell/pipe.ts';
import { quote, words } from '../shell/quote.ts';

/** PostgreSQL on its own host: the directory of its programs, and the port on which it listens. */
export interface Server {
  binDir: string;
  port: number;
}

/** The account that owns the database, and its group. */
export const POSTGRES = { owner: 'postgres', group: 'postgres' } as const;

/** POSIX sh that runs a program as the account that owns the database. */
export const asPostgres = (...args: readonly string[]): string => `runuser -u ${POSTGRES.owner} -- ${words(...args)}`;

/**
 * POSIX sh that has the same account ask something, in place of the shell that runs it: no session of PAM is opened, whose
 * limits matter to what works long, and no process waits for it. HOME stays as hapg's own environment has it.
 */
const askAsPostgres = (...args: readonly string[]): string =>
  `setpriv --reuid=postgres --regid=postgres --init-groups ${words(...args)}`;

/** Where PostgreSQL listens on its host; only the operating system's postgres gets in there. */
export const SOCKET_DIR = '/var/run/postgresql';

/** POSIX sh: a condition, PostgreSQL has its socket, so that it runs or has died. */
export const hasSocket = ({ port }: Pick<Server, 'port'>): string => `[ -S ${SOCKET_DIR}/.s.PGSQL.${port} ]`;

/** POSIX sh: a condition, the server takes connections (pg_isready, "Exit Status"). */
export const accepts = ({ binDir, port }: Server): string =>
  words(`${binDir}/pg_isready`, '-q', '-t', '1', '-h', SOCKET_DIR, '-p', String(port));

/**
 * POSIX sh: psql over the local socket as the super user; bare values, an error ends it. More arguments follow `database`. It
 * is the program itself: Debian's /usr/bin/psql is a wrapper in Perl that finds it, which takes four times as long as psql.
 */
export const psql = ({ binDir, port }: Server, database: string, ...more: readonly string[]): string =>
  askAsPostgres(
    ...[`${binDir}/psql`, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', SOCKET_DIR, '-p', String(port), '-d', database],
    ...more,
  );

/** POSIX sh: one statement of SQL on this host, in the database postgres. */
export const sql = (server: Server, statement: string): string => psql(server, 'postgres', '-c', statement);

/** POSIX sh: a checkpoint of this member, so that a stop that follows is short. */
export const checkpoint = (server: Server): string => sql(server, 'checkpoint');

/**
 * POSIX sh: psql as an application has it, with the passwords of a file (libpq, "The Password File"); bare values. More words
 * follow. On a client there is what its package brings.
 */
export const clientPsql = (uri: string, passwords: string): string =>
  `env ${quote(`PGPASSFILE=${passwords}`)} ${words('psql', '-XAtq', '-d', uri)}`;

/** POSIX sh that prints what pg_controldata says of a data directory under this heading; fails when it says nothing. */
export const controlData = (binDir: string, dataDir: string, heading: string): string =>
  pipe(words(`${binDir}/pg_controldata`, '-D', dataDir), `sed -n ${quote(`s/^${heading}: *//p`)}`, 'grep .');

/** POSIX sh: nobody moves a directory in which a server still writes, an orphan of Patroni for one. */
export const notRunning = (dataDir: string): string =>
  `! pgrep -u ${POSTGRES.owner} -f ${quote(`postgres -D ${dataDir}`)} >/dev/null 2>&1 || { echo 'PostgreSQL still runs'; exit 1; }`;

/** POSIX sh that makes directories for PostgreSQL's data, or gives them to it as they are. */
export const ownDirectories = (...paths: readonly string[]): string =>
  `install -d -o ${POSTGRES.owner} -g ${POSTGRES.group} -m 0700 ${words(...paths)}`;
