import { asPostgres } from './postgres.ts';

/** POSIX sh: pgBackRest on a stanza. */
export const pgbackrest = (stanza: string, ...args: readonly string[]): string =>
  asPostgres('pgbackrest', `--stanza=${stanza}`, ...args);
