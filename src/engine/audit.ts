import { PATHS } from '../paths.ts';
import { print } from '../shell/quote.ts';

/** What a host's audit log says of a run. */
export interface AuditEntry {
  run: string;
  by: string;
  command: string;
  /** Number of changes on the host or, of an operation, on all hosts; unknown where a person's own command ran. */
  changed: number | 'unknown';
  result: string;
}

/** The line of a run: KEY=VALUE, in quotes where the value has blanks. */
export const auditLine = ({ run, by, command, changed, result }: AuditEntry): string =>
  Object.entries({ run, by, command, changed, result })
    .map(([key, value]) => `${key}=${/\s/.test(String(value)) ? JSON.stringify(value) : value}`)
    .join(' ');

/** POSIX sh that appends a line with its time to the host's own audit log. */
export const auditScript = (entry: AuditEntry): string =>
  `umask 077; mkdir -p ${PATHS.log}; ${print(`${new Date().toISOString()} ${auditLine(entry)}\n`)} >> ${PATHS.audit}`;
