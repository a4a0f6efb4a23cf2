import { PATHS } from '../paths.ts';
import { print } from '../shell/quote.ts';

/** POSIX sh that appends a line with its time to the host's own audit log. */
export const auditScript = (text: string): string =>
  `umask 077; mkdir -p ${PATHS.log}; ${print(`${new Date().toISOString()} ${text}\n`)} >> ${PATHS.audit}`;
