import { asPostgres } from './postgres.ts';

/** POSIX sh: patronictl with this member's configuration. */
export const patronictl = (...args: readonly string[]): string =>
  asPostgres('patronictl', '-c', '/etc/patroni/config.yml', ...args);
