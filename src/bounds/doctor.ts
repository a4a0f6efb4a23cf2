/** Bounds and limits of the checks before a first apply. */

/** Bounds the checks of one host (s): its package sources and their lists are most of it. */
export const EXAMINE_S = 300;
/** Bounds all connections of one host (s), slow lookups of names included. */
export const CALLS_S = 180;
/** How long a connection between two hosts may take (s), its greeting and some large packets included. */
export const CALL_S = 4;
/** How long the listeners of a check stay (s), when nobody ends them. */
export const LISTEN_S = 240;
/** How long a package source may take to send its signed contents (s). */
export const SOURCE_S = 15;
/** Bounds fetching the package lists of a host that has none (s). */
export const SOURCE_LISTS_S = 120;
/** How long the file systems of a host may take, the timed writes included (s). */
export const DISK_S = 8;
/** How long synchronous writes to one directory are timed at most (s). */
export const TIMED_S = 1;
/** The mean of synchronous writes above which a disk is slow (ms): etcd wants 99 % of them below it (etcd, "Hardware recommendations"). */
export const SLOW_DISK_MS = 10;
/** The mean above which every client feels its commits wait (ms). */
export const VERY_SLOW_DISK_MS = 100;
/** How long a host may take to look up its own name (s); every sudo waits for it. */
export const OWN_NAME_S = 2;
/** The difference of clocks of which etcd warns (ms) (rafthttp/probing_status.go). */
export const CLOCK_WARNED_MS = 1000;
/** The difference at which new certificates are refused (ms): they are valid from a day before they are made (src/pki/authority.ts). */
export const CLOCK_REFUSED_MS = 24 * 3600 * 1000;
