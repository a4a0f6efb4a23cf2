/** pgBackRest's logs. Scheduled backups take turns with a lock on this directory. */
export const LOGS = '/var/log/pgbackrest';
