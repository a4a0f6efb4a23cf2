import { PKI } from '../paths.ts';
import { print, quote, words } from '../shell/quote.ts';
import { CURL } from './curl.ts';
import { asPostgres } from './postgres.ts';

/** A member's configuration on its host. */
export const PATRONI_CONFIG = '/etc/patroni/config.yml';

/** POSIX sh command patronictl with the configuration of a file, a word of sh. */
export const patronictlWith = (file: string, ...args: readonly string[]): string =>
  `${asPostgres('patronictl', '-c')} ${file} ${words(...args)}`;

/** POSIX sh command patronictl with this member's configuration. */
export const patronictl = (...args: readonly string[]): string => patronictlWith(PATRONI_CONFIG, ...args);

/**
 * POSIX sh that runs Patroni's own validator on the file {}, as the account that will read it. The validator also
 * connects to every DCS host and checks ports and directories, which may rightly fail now; only complaints about the
 * file itself count.
 */
export const VALIDATE_CONFIG = `out=$(${asPostgres('patroni', '--validate-config')} {} 2>&1 || true)
if printf '%s' "$out" | grep -qE 'Traceback|yaml|Failed to load|is not a (string|integer|list|dict)|missing'; then printf '%s\\n' "$out" | grep -vE 'assword'; exit 1; fi`;

/** POSIX sh that ends the script with the last line of patronictl's output. */
const REFUSED = `{ echo "Patroni refused it: $(printf '%s' "$out" | tail -n 1)"; exit 1; }`;

/**
 * POSIX sh for a member that restarts its PostgreSQL, with `--pending` only when a restart is pending. Fails with
 * Patroni's reason when it did not: patronictl then exits 0 and prints "Failed" (ctl.py, `restart`).
 */
export const restartMember = (scope: readonly string[], name: string, ...options: readonly '--pending'[]): string =>
  `out=$(${patronictl('restart', ...scope, name, ...options, '--force')} 2>&1) || { printf '%s\\n' "$out" | tail -n 3; exit 1; }
case "$out" in *Failed*|*failed*) printf '%s\\n' "$out" | tail -n 3; exit 1 ;; esac`;

/** POSIX sh for a member that changes one value of the dynamic configuration; `null` removes it. Fails with Patroni's reason. */
export const setDynamic = (scope: readonly string[], key: string, value: string): string =>
  `out=$(${patronictl('edit-config', ...scope, '--quiet', '--force', '-s', `${key}=${value}`)} 2>&1) || ${REFUSED}`;

/** POSIX sh that prints the dynamic configuration as YAML. */
export const showDynamic = (scope: readonly string[]): string => patronictl('show-config', ...scope);

/**
 * POSIX sh that prints the heading of the member list, which identifies the DCS's database: "Cluster: NAME
 * (IDENTIFIER)", "(uninitialized)". Prints nothing when the DCS does not answer.
 */
export const listHeading = (scope: readonly string[]): string =>
  `${patronictl('list', ...scope)} 2>/dev/null | sed -n 1p`;

/** POSIX sh that removes everything of a cluster from the DCS; patronictl asks for its name and a confirmation. */
export const removeCluster = (name: string, scope: readonly string[]): string =>
  `out=$(${print(`${name}\nYes I am aware\n`)} | ${patronictl('remove', ...scope)} 2>&1) || { printf '%s\\n' "$out" | tail -n 3; exit 1; }`;

/**
 * POSIX sh that sets `$base` and the arguments of curl for a member's REST API at `place` (HOST:PORT). Reading needs no
 * client certificate, so it works even while that file is missing.
 */
export const restAt = (place: string): string => `base=https://${place}
set -- -s --max-time 4 --cacert ${PKI.patroni}/rest-ca.crt`;

/** Arguments of curl that a change through the REST API needs besides the password (`verify_client: optional`, Patroni documentation). */
export const REST_IDENTITY = `--cert ${PKI.patroni}/rest.crt --key ${PKI.patroni}/rest.key`;

/** POSIX sh that requests a path, after `restAt`; more arguments of curl may come before the path. */
export const askRest = (path: string, options = ''): string =>
  `${CURL} "$@" ${options && `${options} `}"$base/${path}"`;

/** POSIX sh that prints a member's own view (GET /patroni) in a line; without a process when a probe has it already. */
export const printSelf = (rest: string): string =>
  `{ ${rest}\nprintf '%s' "\${HAPG_PATRONI-$(${askRest('patroni')})}"\n} 2>/dev/null; echo`;

/**
 * POSIX sh that prints the dynamic configuration (GET /config) in a line; without a process when a probe has it already.
 * A running Patroni that gives no answer is asked again: a reload closes its API for a moment, and silence would pass
 * for a configuration that is as wanted.
 */
export const printDynamic = (rest: string): string =>
  `{ ${rest}
answer="\${HAPG_CONFIG-$(${askRest('config')})}"
for pause in 1 2; do
  [ -z "$answer" ] && systemctl -q is-active patroni.service || break
  sleep $pause
  answer=$(${askRest('config')})
done
printf '%s' "$answer"
} 2>/dev/null; echo`;

/** POSIX sh that sets `$password` to that of a member's REST API, from its configuration, as patronictl reads it; fails without that file. */
export const restPassword = (file = PATRONI_CONFIG): string =>
  `password=$(sed -n '/^restapi:/,/^[^ ]/ { /^  authentication:/,/^  [^ ]/ s/^    password: *["'\\'']\\{0,1\\}\\([^"'\\'']*\\).*/\\1/p }' ${file}) || exit 1`;

/**
 * POSIX sh for the leader `from` that hands leadership over to `to`, through its own REST API (POST /switchover):
 * patronictl takes twenty times the processor time, of the two hosts that the clients wait for, and where the API does
 * not answer it writes the request into the DCS unchecked. `rest` comes from `restAt`; `seconds` bounds Patroni's answer.
 * Prints nothing; fails with Patroni's reason when it refuses (a status of 4xx, or no connection): nothing was begun
 * then. With 5xx, or an answer that is cut off, it was begun and Patroni does not know how it ends, so the caller has to
 * look.
 */
export const switchover = (rest: string, from: string, to: string, seconds: number): string =>
  requestLeader(rest, 'switchover', { leader: from, candidate: to }, seconds);

/** POSIX sh that asks a member's REST API for another leader. */
const requestLeader = (rest: string, path: string, request: Record<string, string>, seconds: number): string => `${rest}
${restPassword()}
answer=$(printf 'user = "patroni:%s"\\n' "$password" | ${CURL} "$@" ${REST_IDENTITY} --max-time ${seconds} -K - -S -w ' %{http_code}' -X POST -H 'Content-Type: application/json' -d ${quote(JSON.stringify(request))} "$base/${path}" 2>&1)
case "$? \${answer##* }" in
'0 2'??|'0 5'??|28' '*|52' '*|55' '*|56' '*) ;;
*) echo "Patroni refused it: \${answer% *}"; exit 1 ;;
esac`;

/** How often a change is sent to a member's REST API that gives no answer. */
const CHANGE_TRIES = 4;

/**
 * POSIX sh for a member that changes its cluster's dynamic configuration through its REST API (PATCH /config), and
 * prints the whole new configuration. A reload with a new certificate closes the API for a moment (api.py,
 * reload_config), up to a cycle after the signal, so that a request without an answer is sent again: it changes nothing
 * twice. Fails with Patroni's reason when it refuses. `rest` comes from `restAt`; `password` is printed into curl's
 * configuration on standard input, never among its arguments.
 */
export const patchDynamic = (rest: string, password: string, patch: string): string => `${rest}
try=1
until answer=$(${print(`user = "patroni:${password}"\n`)} | ${askRest('config', `${REST_IDENTITY} -K - -S -w '\n%{http_code}' -X PATCH -H 'Content-Type: application/json' -d ${quote(patch)}`)} 2>&1); do
  [ $try -lt ${CHANGE_TRIES} ] || { printf '%s\n' "$answer" | sed '/^000$/d'; exit 1; }
  try=$((try + 1))
  sleep 2
done
case "\${answer##*
}" in
2??) printf '%s\n' "\${answer%
*}" ;;
*) echo "Patroni refused it: $(echo $answer)"; exit 1 ;;
esac`;

/** How often a member is asked while a run waits for its role (s): each question costs it a TLS handshake. */
const ASK_ROLE_EVERY_S = 0.4;

/** How often a member is asked while a run waits for a cycle of Patroni (s). */
const ASK_CYCLE_EVERY_S = 1;

/**
 * POSIX sh that asks a member on its own host again and again, which costs less than an observation of the whole host.
 * `judge` exits 0 when `$answer` is as wanted. After `seconds` the script goes on. It ends by itself when the controller
 * is gone.
 */
const askUntil = (rest: string, path: string, judge: string, everyS: number, seconds: number): string => `${rest}
read -r now rest < /proc/uptime; end=$((\${now%.*} + ${seconds}))
while read -r now rest < /proc/uptime; [ \${now%.*} -lt $end ]; do
  answer=$(${askRest(path, '--max-time 2')})
  ${judge}
  sleep ${everyS}
  echo # ends the shell when the controller is gone
done`;

/**
 * POSIX sh that waits on a member's own host until it is a running leader, or a replica that follows. It fails after
 * `seconds` with the member's last role and state.
 */
export function awaitRole(rest: string, role: 'leader' | 'replica', seconds: number): string {
  const wanted =
    role === 'leader' ? '"role": "primary"\'*|*\'"role": "master"\'*|*\'"role": "standby_leader"' : '"role": "replica"';
  const judge = `case "$answer" in *'"state": "running"'*|*'"state": "streaming"'*) case "$answer" in *'${wanted}'*) exit 0 ;; esac ;; esac`;
  return `${askUntil(rest, 'patroni', judge, ASK_ROLE_EVERY_S, seconds)}
state=\${answer#*'"state": "'}; role=\${answer#*'"role": "'}
[ -n "$answer" ] && echo "it is \${role%%'"'*}, \${state%%'"'*}" || echo 'it is silent'
exit 1`;
}

/**
 * POSIX sh that waits on the leader's host until Patroni names a synchronous standby, which it does in its cycle after
 * the standby streams. It ends well after `seconds` too: whether commits are protected is for the next look to judge.
 */
export const awaitSynchronous = (rest: string, seconds: number): string =>
  askUntil(
    rest,
    'cluster',
    `case "$answer" in *'"role": "sync_standby"'*|*'"role": "quorum_standby"'*) exit 0 ;; esac`,
    ASK_CYCLE_EVERY_S,
    seconds,
  );

/** How often the DCS is read for a change of the pause that members may have made at the same moment, with a second between. */
const PAUSE_LOOKS = 4;

/**
 * POSIX sh for a member that pauses automatic failover, or resumes it, from any host that reaches a member. What the DCS
 * holds afterwards decides, and not patronictl's words or status: it says "Failed" and ends with 0 (ctl.py, `toggle_pause`),
 * refuses what is so already, and of several members that ask for the same one is served and the others are refused. Fails
 * with Patroni's reason, or where the DCS cannot be read.
 */
export const changePause = (scope: readonly string[], action: 'pause' | 'resume'): string =>
  `out=$(${patronictl(action, ...scope)} 2>&1) || :
look=1
while :; do
  config=$(${showDynamic(scope)} 2>&1) || { echo "the DCS does not tell: $(printf '%s' "$config" | tail -n 1)"; exit 1; }
  case "
$config
" in
*'
pause: true
'*) is=pause ;;
*) is=resume ;;
  esac
  [ $is != ${action} ] || break
  [ $look -lt ${PAUSE_LOOKS} ] || ${REFUSED}
  look=$((look + 1))
  sleep 1
done`;

/** POSIX sh that prints the timelines of the cluster (GET /history) as one line of JSON; fails where Patroni is silent. */
export const printHistory = (rest: string): string => `${rest}\n${askRest('history', '--fail')} || exit 1; echo`;

/**
 * POSIX sh for a member that asks Patroni to make it the leader where none leads (POST /failover), through its own REST
 * API. Prints nothing; fails with Patroni's reason when it refuses. `rest` comes from `restAt`; `seconds` bounds the
 * answer.
 */
export const failover = (rest: string, to: string, seconds: number): string =>
  requestLeader(rest, 'failover', { candidate: to }, seconds);
