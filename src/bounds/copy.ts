/**
 * Bounds of work whose length depends on how many bytes are moved. Such work is judged by its progress; these bounds only
 * keep something that nobody waits for any more from running for ever.
 */

/**
 * The slowest copy that is still taken for one (bytes/s): a disk that is busy with its database, or a fifth of a line of
 * 1 Gbit/s. hapg's own figure.
 */
export const SLOWEST_COPY = 20_000_000;

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Returns the seconds that so many bytes take at the slowest rate; an unknown size counts as nothing, so give it a floor. */
export const copy = (bytes: number | undefined): number =>
  bytes !== undefined && bytes > 0 ? Math.ceil(bytes / SLOWEST_COPY) : 0;

/** Bounds a unit of pgBackRest or PostgreSQL that backs up, restores or replays a database (s): a week, or twice the slowest copy. */
export const transfer = (databaseBytes?: number): number => Math.max(7 * DAY, 2 * copy(databaseBytes));

/** Bounds a drill, which restores a backup and reads it (s). */
export const DRILL_S = 3 * DAY;

/** Bounds moving a database aside (s): a rename takes no time, but on a mount point it may be a copy. */
export const aside = (databaseBytes?: number): number => Math.max(DAY, 2 * copy(databaseBytes));

/** Bounds moving a member's WAL to another disk with its stop and start (s): an hour is 70 GB at the slowest rate. */
export const MOVE_WAL_S = HOUR;

/** How long a copy may stand still before it counts as stuck (s): ten minutes without one more byte. hapg's own figure. */
export const STUCK_S = 600;

/**
 * Bounds the making of a replica, however it goes on (s): a week, or three times the slowest copy. A copy that fails and begins
 * anew for ever makes progress too.
 */
export const replica = (databaseBytes?: number): number => Math.max(7 * DAY, 3 * copy(databaseBytes));

/** How long PostgreSQL may take to lead, or to join without anything to copy (s). */
export const START_MEMBER_S = 900;

/** Seconds between two looks at how far long work is. */
export const PROGRESS_S = 3;

/**
 * How long a host measures what is there already (s). Counting a million files may take longer; the used space of the file
 * system is taken then, and the copy goes on.
 */
export const MEASURE_S = 20;
