/**
 * Bounds of what PostgreSQL does with its shared memory. A checkpoint, and so a shutdown, writes at worst all of
 * shared_buffers (PostgreSQL documentation, "WAL Configuration" and "Shutting Down the Server").
 */
import { copy, STUCK_S } from './copy.ts';

/** Shared memory where none was reported (bytes): a large server's, since too long a bound does no harm. */
const ASSUMED_BUFFERS = 64 * 1024 ** 3;

/** Returns the time to write shared memory and a minute for everything else, never below `least` (s). */
const writing = (least: number, sharedBuffers: number | undefined): number =>
  Math.max(least, 60 + copy(sharedBuffers ?? ASSUMED_BUFFERS));

/** Bounds a checkpoint of these shared_buffers (s). */
export const checkpoint = (sharedBuffers: number | undefined): number => writing(600, sharedBuffers);

/** Bounds Patroni's stop, which stops PostgreSQL with a checkpoint (s); the TimeoutStopSec of its unit. */
export const shutdown = (sharedBuffers: number | undefined): number => writing(300, sharedBuffers);

/** Bounds the command that stops a unit (s): systemd's own wait and a margin. */
export const stop = (sharedBuffers: number | undefined): number => shutdown(sharedBuffers) + 30;

/** Bounds the start of a service (s); the TimeoutStartSec of Patroni's and etcd's units. */
export const START_S = 120;

/** Bounds the command that starts one service (s). */
export const START_ONE_S = START_S + 10;

/** Bounds the command that starts the services of a host one after another (s). */
export const START_ALL_S = 330;

/** Bounds the command that stops services in front of the database one after another (s). */
export const STOP_ALL_S = 330;

/** Bounds a restart of PostgreSQL, which Patroni answers when it has ended (s): a shutdown and a start. */
export const restart = (sharedBuffers: number | undefined): number => Math.max(300, shutdown(sharedBuffers) + START_S);

/** How long a member may take to be back after Patroni has begun its restart (s). */
export const back = (sharedBuffers: number | undefined): number => writing(120, sharedBuffers);

/** Bounds Patroni's answer to a switchover (s): the old leader is shut down meanwhile. */
export const switchover = (sharedBuffers: number | undefined): number => writing(120, sharedBuffers);

/** How long a balancer waits for the new leader (s); longer than a successful switchover. */
export const FOLLOW_S = 30;

/**
 * How long a member waits for the archive to take a connection (s). A promotion asks for about four files first, and
 * pgBackRest alone would try three times its io-timeout for each: three minutes (measured with 2.55).
 */
export const ARCHIVE_LISTENS_S = 1;

/** How long an archive that did not listen is not asked again (s): longer than a promotion, shorter than a boot of its host. */
export const ARCHIVE_AGAIN_S = 10;

/** How long a promotion may take (s): all received WAL is replayed first. */
export const PROMOTE_S = 300;

/** How long a host waits for one answer of PostgreSQL, files of settings and rules included (s). */
export const SETTINGS_S = 120;

/**
 * The time between reading a password file and needing the password, for psql on an idle host (ms). Measured: of 12
 * changes under two busy clients none was noticed with 5, three with 0, four with 15.
 */
export const READ_TO_LOGIN_MS = 5;

/** How long the leader of a standby cluster may take to be let in by its upstream (ms). */
export const LET_IN_MS = 10_000;

/** How long a write through the client endpoint is tried again and again (s). */
export const WRITE_S = 45;

/** Bounds that write with its last try, which may wait for each of the hosts, and its arrival on a replica (s). */
export const VERIFY_S = 2 * WRITE_S;

/** Bounds the restarts of a member until no setting is pending, three at most (s). */
export const restarts = (sharedBuffers: number | undefined): number =>
  Math.max(420, 3 * (restart(sharedBuffers) + back(sharedBuffers)));

/**
 * Returns how long a copy may stand still before it counts as stuck (s): ten minutes, or the time of the checkpoint
 * with which the copied server begins, during which no byte arrives. Ten minutes where no server has reported its
 * memory.
 */
export const standstill = (sharedBuffers: number | undefined): number =>
  Math.max(STUCK_S, checkpoint(sharedBuffers ?? 0));
