/** Bounds of what the controller does by itself. */

/** How long a writer of the secret store waits for another (ms): a change takes milliseconds, a rotation longer. */
export const STORE_WAIT_MS = 5000;
/** Milliseconds between two looks at the store's lock. */
export const STORE_LOOK_MS = 50;
/** How long a lock of the store may be empty between its making and its filling (ms); below STORE_WAIT_MS, so that the next run goes on. */
export const STORE_EMPTY_MS = 1000;

/** Milliseconds between two signs of life for the load of `--probe`. */
export const TOUCH_MS = 5000;
/** Seconds without a sign of life of the controller after which that load ends by itself; six of them. */
export const LEASE_S = 30;
/** Seconds that one attempt of that load may hang. */
export const ATTEMPT_S = 10;
/** Bounds that load, whatever happens (s). */
export const LOAD_S = 6 * 3600;
/** Bounds collecting what that load has seen (s). */
export const COLLECT_S = 120;
