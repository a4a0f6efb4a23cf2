import { PKI } from '../paths.ts';
import { print, words } from '../shell/quote.ts';
import { CURL } from './curl.ts';
import { asPostgres } from './postgres.ts';

/** A member's configuration on its host. */
export const PATRONI_CONFIG = '/etc/patroni/config.yml';

/** POSIX sh: patronictl with the configuration of a file, a word of sh. */
export const patronictlWith = (file: string, ...args: readonly string[]): string =>
  `${asPostgres('patronictl', '-c')} ${file} ${words(...args)}`;

/** POSIX sh: patronictl with this member's configuration. */
export const patronictl = (...args: readonly string[]): string => patronictlWith(PATRONI_CONFIG, ...args);

/**
 * POSIX sh: Patroni's own validator of the file {}, run as the account that will read it. It also connects to every DCS host
 * and looks at ports and directories, which may rightly fail here and now; only complaints about the file itself count.
 */
export const VALIDATE_CONFIG = `out=$(${asPostgres('patroni', '--validate-config')} {} 2>&1 || true)
if printf '%s' "$out" | grep -qE 'Traceback|yaml|Failed to load|is not a (string|integer|list|dict)|missing'; then printf '%s\\n' "$out" | grep -vE 'assword'; exit 1; fi`;

/** POSIX sh: ends with what patronictl said last. */
const REFUSED = `{ echo "Patroni refused it: $(printf '%s' "$out" | tail -n 1)"; exit 1; }`;

/**
 * POSIX sh for a member: `from`, which leads, hands over to `to`. Prints nothing; fails with Patroni's reason when it refuses.
 * patronictl ends with 0 whatever the REST API answers (ctl.py, `_do_failover_or_switchover`). A status of 4xx is a refusal:
 * nothing was begun. With 5xx it was begun and Patroni cannot tell how it ends, so that whoever asked has to look.
 */
export const switchover = (scope: readonly string[], from: string, to: string): string =>
  `out=$(${patronictl('switchover', ...scope, '--leader', from, '--candidate', to, '--force')} 2>&1) || ${REFUSED}
case "$out" in *'ailed, details: 4'*) ${REFUSED} ;; esac`;

/**
 * POSIX sh for a member: restarts its PostgreSQL, with `--pending` only where it waits for a restart. Fails with Patroni's
 * words when it did not: patronictl ends with 0 then and says "Failed" (ctl.py, `restart`).
 */
export const restartMember = (scope: readonly string[], name: string, ...options: readonly '--pending'[]): string =>
  `out=$(${patronictl('restart', ...scope, name, ...options, '--force')} 2>&1) || { printf '%s\\n' "$out" | tail -n 3; exit 1; }
case "$out" in *Failed*|*failed*) printf '%s\\n' "$out" | tail -n 3; exit 1 ;; esac`;

/** POSIX sh for a member: changes one value of the dynamic configuration; `null` takes it away. Fails with Patroni's reason. */
export const setDynamic = (scope: readonly string[], key: string, value: string): string =>
  `out=$(${patronictl('edit-config', ...scope, '--quiet', '--force', '-s', `${key}=${value}`)} 2>&1) || ${REFUSED}`;

/** POSIX sh that prints the dynamic configuration as YAML. */
export const showDynamic = (scope: readonly string[]): string => patronictl('show-config', ...scope);

/**
 * POSIX sh that prints the heading of the member list, which says which database the DCS knows: "Cluster: NAME (IDENTIFIER)",
 * "(uninitialized)". Nothing when the DCS gives no answer.
 */
export const listHeading = (scope: readonly string[]): string =>
  `${patronictl('list', ...scope)} 2>/dev/null | sed -n 1p`;

/** POSIX sh that takes everything of a cluster out of the DCS, as patronictl asks for it: its name, and that one is aware. */
export const removeCluster = (name: string, scope: readonly string[]): string =>
  `out=$(${print(`${name}\nYes I am aware\n`)} | ${patronictl('remove', ...scope)} 2>&1) || { printf '%s\\n' "$out" | tail -n 3; exit 1; }`;

/**
 * POSIX sh that sets `$base` and the arguments of curl for a member's REST API at `place` (HOST:PORT). Reading needs no client
 * certificate, so what can be seen does not hang on a file that may be the very thing that is missing.
 */
export const restAt = (place: string): string => `base=https://${place}
set -- -s --max-time 4 --cacert ${PKI.patroni}/rest-ca.crt`;

/** What a change through the REST API needs besides the password (`verify_client: optional`, Patroni documentation). */
export const REST_IDENTITY = `--cert ${PKI.patroni}/rest.crt --key ${PKI.patroni}/rest.key`;

/** POSIX sh behind `restAt`: asks for a path; more arguments of curl may come before it. */
export const askRest = (path: string, options = ''): string =>
  `${CURL} "$@" ${options && `${options} `}"$base/${path}"`;

/** POSIX sh that prints a member's own view (GET /patroni) in a line; without a process where a probe has it already. */
export const tellSelf = (rest: string): string =>
  `{ ${rest}\nprintf '%s' "\${HAPG_PATRONI-$(${askRest('patroni')})}"\n} 2>/dev/null; echo`;

/** POSIX sh that prints the dynamic configuration (GET /config) in a line; without a process where a probe has it already. */
export const tellDynamic = (rest: string): string =>
  `{ ${rest}\nprintf '%s' "\${HAPG_CONFIG-$(${askRest('config')})}"\n} 2>/dev/null; echo`;
