import { quote, words } from '../shell/quote.ts';

/** POSIX sh that runs a program as the account that owns the database. */
export const asPostgres = (...args: readonly string[]): string => `runuser -u postgres -- ${words(...args)}`;

/** Where PostgreSQL listens on its host; only the operating system's postgres gets in there. */
export const SOCKET_DIR = '/var/run/postgresql';

/** POSIX sh: psql over the local socket as the super user; bare values, an error ends it. More arguments follow `database`. */
export const psql = (port: number, database: string, ...more: readonly string[]): string =>
  asPostgres('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', SOCKET_DIR, '-p', String(port), '-d', database, ...more);

/** POSIX sh: psql as an application has it, with the passwords of a file (libpq, "The Password File"); bare values. More words follow. */
export const clientPsql = (uri: string, passwords: string): string =>
  `env ${quote(`PGPASSFILE=${passwords}`)} ${words('psql', '-XAtq', '-d', uri)}`;

/** POSIX sh: one statement of SQL on this host, in the database postgres. */
export const sql = (port: number, statement: string): string => psql(port, 'postgres', '-c', statement);

/** POSIX sh: nobody moves a directory in which a server still writes, an orphan of Patroni for one. */
export const notRunning = (dataDir: string): string =>
  `! pgrep -u postgres -f ${quote(`postgres -D ${dataDir}`)} >/dev/null 2>&1 || { echo 'PostgreSQL still runs'; exit 1; }`;
