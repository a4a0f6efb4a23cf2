import { psql, type Server } from '../../programs/postgres.ts';

/** A change that a step makes: a text for the operator, and the SQL that is made only when it is sent. */
export interface Statement {
  text: string;
  statement: () => string;
}

/** Quotes an identifier of SQL. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** Quotes a text of SQL (standard_conforming_strings). */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** Returns a role as GRANT and REVOKE name it: `public` is everybody. */
export const grantee = (role: string): string => (role === 'public' ? 'public' : identifier(role));
/** Returns a list of texts as an array of SQL. */
export const array = (texts: readonly string[]): string => `array[${texts.map(literal).join(', ')}]::text[]`;

/**
 * POSIX sh that prints the only line of a query's answer, or an empty one. Names are looked up in pg_catalog alone: in a
 * database with other owners, a function of theirs must not run as the superuser.
 */
export const ask = (server: Server, database: string, query: string): string =>
  `timeout 10 ${psql(server, database, '-c', "set search_path = ''", '-c', query.replaceAll('\n', ' '))} 2>/dev/null`;

/** Reads the answer of `ask`; undefined when there is none. Throws for one that is cut short. */
export const answered = <T>(line: string | undefined): T | undefined => (line ? (JSON.parse(line) as T) : undefined);

/** POSIX sh that runs statements which it reads from `printed`, another sh command; its log gets none of them. */
export const run = (server: Server, database: string, printed: string): string =>
  `${printed} | ${psql(server, database, '-f', '-')}`;

/** Returns the script of psql for some statements. An error ends it. */
export const script = (statements: readonly Statement[]): string =>
  [
    "set log_statement = 'none'",
    "set search_path = ''",
    'set standard_conforming_strings = on',
    ...statements.map(({ statement }) => statement()),
    '',
  ].join(';\n');
