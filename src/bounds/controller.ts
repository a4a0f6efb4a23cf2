/** Bounds of the controller's own work. */

/** How long a writer of the secret store waits for another (ms): a change takes milliseconds, a rotation longer. */
export const STORE_WAIT_MS = 5000;
/** How often a waiting writer checks the store's lock (ms). */
export const STORE_POLL_MS = 50;
/** How long a lock of the store may be empty between its making and its filling (ms); below STORE_WAIT_MS, so that the next run goes on. */
export const STORE_EMPTY_MS = 1000;

/** Bounds asking the OpenSSH client for its configuration (ms); a `Match exec` of the operator's runs within. */
export const SSH_CONFIG_MS = 10_000;

/** How long the operator's program may take to print a secret (s); it may ask a vault, or a person. */
export const FETCH_S = 120;

/** Bounds the delivery of a document to a webhook (ms): the operator waits for it at the end of a run. */
export const WEBHOOK_MS = 10_000;

/** How often the controller sends the load of `--probe` a sign of life (ms). */
export const TOUCH_MS = 5000;
/** How long that load runs on without a sign of life (s): six of them. */
export const LEASE_S = 30;
/** Bounds one attempt of that load (s). */
export const ATTEMPT_S = 10;
/** Bounds that load as a whole (s). */
export const LOAD_S = 6 * 3600;
/** Bounds collecting that load's results (s). */
export const COLLECT_S = 120;
