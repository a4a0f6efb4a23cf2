/** Bounds of hosts and of the ways to them. */

/** How long a host has for each step of a login: the connection, the handshake, the shell (ms). */
export const CONNECT_MS = 20_000;
/** Milliseconds between two signs of life of a connection; after three without an answer it is lost. */
export const KEEPALIVE_MS = 10_000;
/** The first pause before a dropped login is tried again (ms); the next is twice as long, each up to twice as long at random. */
export const AGAIN_MS = 300;
/** Bounds reading a host's keys (ms). */
export const SCAN_MS = 10_000;
/** Bounds asking the resolver for a host's name (ms). */
export const LOOKUP_MS = 3000;
/** How long new logins are tried after a guarded change (ms); well below the time after which that is put back. */
export const LOGIN_MS = 30_000;
/** Bounds one login and its first answer (s). */
export const LOGIN_S = 20;
/** Bounds a script of which nothing else is said (s). */
export const ASK_S = 60;
/** Bounds one look at a host: some thirty questions, of which none may wait longer than its own bound (s). */
export const LOOK_S = 60;
/** Bounds the line that a run writes into a host's own log (s). */
export const AUDIT_S = 10;
/** Bounds reloads and restarts of a service that a change calls for, with the stop of what runs (s). */
export const HANDLER_S = 180;
/** Beyond what a host is told to wait for, the time that its answer may take (s). */
export const ANSWER_S = 30;
/** How long a host may take to boot, from the command to the first login (s). */
export const REBOOT_S = 600;
/** How long reads may go on on a member that is being taken out (s); they are cut off then, as by every stop. */
export const DRAIN_S = 30;
/** Bounds stopping a unit of hapg's own that is stuck (s): systemd's own time for a stop is 90 s. */
export const STOP_UNIT_S = 120;
/** Bounds the start of a service of which nothing else is said (s). */
export const START_UNIT_S = 60;
/** Seconds that a run waits for a host's lock at least: whoever only looks has it for a moment, and is not a run to give way to. */
export const LOCK_LOOK_S = 1;
