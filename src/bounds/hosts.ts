/** Bounds of hosts and of the connections to them. */

/** How long a host has for each step of a login: the connection, the handshake, the shell (ms). */
export const CONNECT_MS = 20_000;
/** How often a connection is checked for life (ms). It is lost after three checks without an answer. */
export const KEEPALIVE_MS = 10_000;
/** The first pause before a dropped login is retried (ms). Each next pause doubles, and each is lengthened at random up to twice. */
export const AGAIN_MS = 300;
/** Bounds reading a host's keys (ms). */
export const SCAN_MS = 10_000;
/** Bounds asking this machine's SSH agent which keys it has (ms). */
export const AGENT_MS = 5000;
/** Bounds asking the resolver for a host's name (ms). */
export const LOOKUP_MS = 3000;
/** How long new logins are tried after a guarded change (ms); well below LOGIN_UNDO_S, after which the change is undone. */
export const LOGIN_MS = 30_000;
/** Bounds one login and its first answer (s). */
export const LOGIN_S = 20;
/** The default bound of a script (s). */
export const ASK_S = 60;
/** Bounds one observation of a host (s): some thirty questions, each with a bound of its own. */
export const OBSERVE_S = 60;
/** Bounds the line that a run writes into a host's own log (s). */
export const AUDIT_S = 10;
/** How long a command of `hapg exec` may take to end after its time-out, before it is killed (s). */
export const EXEC_KILL_S = 5;
/** Bounds a reload or restart of a service that a change calls for, its stop included (s). */
export const HANDLER_S = 180;
/** The time for an answer on top of what the host waits itself (s). */
export const ANSWER_S = 30;
/** How long a host may take to boot, from the command to the first login (s). */
export const REBOOT_S = 600;
/** How long a host may be gone during work that goes on without the controller (s): a lost link, not a lost host. */
export const ABSENT_S = 300;
/** How long open reads may finish on a member that is being taken out (s). The stop then cuts them off. */
export const DRAIN_S = 30;
/** Bounds stopping a unit of hapg's own that is stuck (s): systemd's own time for a stop is 90 s. */
export const STOP_UNIT_S = 120;
/** The default bound of a service's start (s). */
export const START_UNIT_S = 60;
/** The least time that a run waits for a host's lock (s): a read-only run holds it for a moment. */
export const LOCK_READ_S = 1;
