/** Bounds of a start at a time that the operator names. */

/** How late a run may begin (s): a machine that slept past its time must not begin in the middle of the day. */
export const LATE_S = 300;

/** How far ahead a start may lie (s): longer waits are a mistake in the date, or work for a scheduler. */
export const AHEAD_S = 7 * 24 * 3600;

/** How often the wall clock is looked at (s): a machine that was asleep notices its time so late. */
export const LOOK_S = 20;
