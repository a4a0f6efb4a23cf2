/** Limits of a healthy cluster; `hapg status` names a problem beyond them. */

const DAY_MS = 86_400_000;

/** How late a scheduled backup may begin (s). */
export const BACKUP_DELAY_S = 600;
/** How long a WAL segment may wait for the archive (s); `archive_timeout` closes one every minute. */
export const ARCHIVE_LIMIT_S = 300;
/** The least remaining lifetime of a certificate (ms): `apply` renews long before. */
export const EXPIRY_LIMIT_MS = 30 * DAY_MS;
