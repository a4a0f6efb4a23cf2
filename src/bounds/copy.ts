/**
 * Bounds of work whose length depends on how many bytes are moved. Such work is judged by its progress. These bounds
 * only end work that nobody waits for any more.
 */

/**
 * The slowest rate that still counts as a copy (bytes/s): a disk that is busy with its database, or a fifth of a line
 * of 1 Gbit/s. hapg's own figure.
 */
export const SLOWEST_COPY = 20_000_000;

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Returns how long copying takes at the slowest rate (s). An unknown size counts as zero, so give the result a floor. */
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
 * Bounds the making of a replica (s): a week, or three times the slowest copy. Progress alone is no bound: a copy that
 * fails and starts over makes progress too.
 */
export const replica = (databaseBytes?: number): number => Math.max(7 * DAY, 3 * copy(databaseBytes));

/** How long PostgreSQL may take to lead, or to join without a copy (s). */
export const START_MEMBER_S = 900;

/** How often the progress of long work is read (s). */
export const PROGRESS_S = 3;

/**
 * How long a host counts the bytes that are already copied (s). A million files may take longer: then the used space of
 * the file system counts instead.
 */
export const MEASURE_S = 20;
