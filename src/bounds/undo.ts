/** Times after which a temporary change is undone by the host itself when the controller is gone. */

/** How often a run sends a heartbeat to an armed undo (s). */
export const BEAT_S = 60;

/** Bounds one heartbeat on its own channel (s). */
export const BEAT_ANSWER_S = 30;

/** How long until a change that could lock the operator out is undone (s). No heartbeat prolongs it. */
export const LOGIN_UNDO_S = 90;

/** The least time until a host that was taken out comes back (s). */
const SHORTEST_S = 300;

/**
 * Returns the time of an undo (s) from the bounds of the steps that run under it. None may outlast it: where a host
 * allows no second channel, a heartbeat waits for the end of the step. One more interval covers the transfer.
 */
export const undoFor = (...steps: readonly number[]): number =>
  Math.max(SHORTEST_S, ...steps.map((one) => one + BEAT_S));

/** How long the temporary opening in the firewall of an upstream cluster lasts (s). */
export const HOLE_S = 3600;

/** Bounds running an undo at once (s): it starts the services that were stopped. */
export const UNDOING_S = 300;

/** Bounds clearing what an interrupted run has left (s): its undo may wait for the package manager. */
export const LEFTOVER_S = 1800;

/** How long until alerts are no longer silenced when the run that has silenced them is gone (s). */
export const SILENCE_UNDO_S = 180;

/** The longest time for which a run silences alerts (s): a rolling update of many hosts. */
export const LONGEST_SILENCE_S = 24 * 3600;

/** The longest time for which an operator may hold a temporary state (s): a week. */
export const LONGEST_HOLD_S = 7 * 24 * 3600;

/** Pause after which an undo that failed is run again (s). */
export const UNDO_AGAIN_S = 60;
