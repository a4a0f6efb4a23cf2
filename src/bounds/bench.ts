/** Bounds of a load test by pgbench. */

/** The longest load that an operator may ask for (s). */
export const BENCH_MOST_S = 3600;

/** How long tables of this scale may take to fill (s): 100 000 rows each, on slow disks with synchronous commits. */
const filling = (scale: number): number => 120 + 20 * scale;

/** How long pgbench may take to end, and its log to be sorted (s). */
const ENDING_S = 120;

/** Bounds a load test as a whole (s). */
export const bench = (seconds: number, scale: number): number => filling(scale) + seconds + ENDING_S;

/** The load for which every transaction is noted (s); of a longer one a part is, so that the log stays small. */
export const ALL_NOTED_S = 120;

/** How long the removal of the tables waits for a lock (s). */
export const DROP_LOCK_S = 10;
