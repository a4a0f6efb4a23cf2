import { HAPROXY_S } from '../bounds/programs.ts';
import { pipe } from '../shell/pipe.ts';
import { quote } from '../shell/quote.ts';

/** The socket of HAProxy's runtime API, for root (management guide, "Unix Socket commands"). */
export const HAPROXY_SOCKET = '/run/haproxy/admin.sock';

/** POSIX sh that sends a command to the runtime API and prints its answer, within `seconds`; fails when there is none. */
const ask = (command: string, seconds: number): string =>
  `echo ${quote(command)} | timeout ${seconds} socat -t ${seconds} - UNIX-CONNECT:${HAPROXY_SOCKET}`;

/** POSIX sh that sends commands to the runtime API; fails on any answer but an empty one (management guide). */
export const send = (commands: readonly string[]): string =>
  commands
    .map(
      (command) =>
        `out=$(${ask(command, HAPROXY_S)}) && [ -z "$(printf %s "$out" | tr -d '[:space:]')" ] || { echo "HAProxy: $out"; exit 1; }`,
    )
    .join('\n');

/** POSIX sh that prints the statistics of all servers behind all backends, as lines of CSV, within `seconds` ("show stat"). */
export const showServers = (seconds: number): string => ask('show stat -1 4 -1', seconds);

/**
 * POSIX sh that asks for the servers once, for all later sections of the script, into `HAPG_SERVERS`. Scripts use
 * `${HAPG_SERVERS-$(ask again)}`, so they also work alone. It starts no process but the question's own.
 */
export const haproxyAnswers = `HAPG_SERVERS=
[ ! -S ${HAPROXY_SOCKET} ] || HAPG_SERVERS=$(timeout 3 socat -t 3 - UNIX-CONNECT:${HAPROXY_SOCKET} 2>/dev/null <<QUESTION
show stat -1 4 -1
QUESTION
)`;

/** POSIX sh that exits 0 when a server behind this backend is up, and 1 otherwise. */
export const isUp = (backend: string): string => `set -f
IFS='
'
for line in \${HAPG_SERVERS-$(${showServers(5)})}; do
  case "$line" in ${backend},*,UP*) exit 0 ;; esac
done
exit 1`;

/** POSIX sh that prints the states of all servers in the form that HAProxy reads at its start; fails without a whole answer. */
export const SHOW_STATE: string = pipe(ask('show servers state', HAPROXY_S), `sed '/^$/d'`);
