/** Times of the alerts: how old, late or long something may be before an operator is told. */

export const MINUTE_S = 60;
export const HOUR_S = 3600;
export const DAY_S = 86_400;

/** How long nobody leads in a switchover at most (s), from `hapg switchover` under load on slow hosts. */
export const SWITCHOVER_S = 15;
/** How long a transaction may keep vacuum from working (s). */
export const TRANSACTION_S = HOUR_S;
/** How long a session may do nothing within a transaction (s). */
export const IDLE_S = 600;
/** How far behind a replica may replay (s). */
export const REPLAY_S = 30;
/** What a backup may take on top of the time between two of them (s). */
export const BACKUP_S = 3 * HOUR_S;
/** The same for a full backup, which is larger and may wait for another one, and for a drill (s). */
export const FULL_BACKUP_S = DAY_S;
/** How long WAL may wait for the archive (s). */
export const ARCHIVE_S = 900;
/** How long a restore may go unproven where the inventory has no schedule of drills (s). */
export const DRILL_S = 14 * DAY_S;
/** How long a client may wait for a connection of its pool (s). */
export const POOL_S = 5;
/** How far a clock may be off (s). */
export const CLOCK_S = 0.1;
/** How long before its end a certificate should have been renewed (s): `apply` renews in the last third of a year. */
export const CERTIFICATE_S = 14 * DAY_S;
/** How old hapg's own facts of a host may be (s); they are written every minute. */
export const FACTS_S = 10 * MINUTE_S;
