/** Times after which something temporary puts itself back, should the controller be gone. */

/** Seconds between two beats of an undo whose work lives. */
export const BEAT_S = 60;

/** Bounds a beat on its own channel (s). */
export const BEAT_ANSWER_S = 30;

/** Seconds until what could lock the operator out is put back by itself; nothing keeps that from coming. */
export const LOGIN_UNDO_S = 90;

/** Seconds after which a host that was taken out comes back at the earliest. */
const SHORTEST_S = 300;

/**
 * Returns the time of an undo (s) from the bounds of the single steps that run under it: none of them may outlast it, for
 * where a host allows no second channel a beat waits for the end of the step; and one more beat for the way.
 */
export const undoFor = (...steps: readonly number[]): number =>
  Math.max(SHORTEST_S, ...steps.map((one) => one + BEAT_S));

/** Seconds until the hole in the firewall of a source closes by itself. */
export const HOLE_S = 3600;

/** Bounds running an undo by hand: it starts the services that were stopped (s). */
export const UNDOING_S = 300;

/** Bounds running what a dead run has left: its undo may wait for the package manager to end (s). */
export const LEFTOVER_S = 1800;
