import type { Cluster, Host } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import { CURL } from '../../src/programs/curl.ts';
import { send } from '../../src/programs/haproxy.ts';
import { quote } from '../../src/shell/quote.ts';

/** Backends that spread reads over members. */
const READING = ['replica', 'sync', 'async'];

/** POSIX sh that stops new reads to a member; open ones go on. */
export const drain = (member: Host): string =>
  send(READING.map((backend) => `set server ${backend}/${member.name} state drain`));

/** POSIX sh that lets reads go to a member again as soon as its check succeeds. */
export const undrain = (member: Host): string =>
  send(READING.map((backend) => `set server ${backend}/${member.name} state ready`));

/** Counts the open reads to a member through a balancer. */
export const openReads = (
  rows: readonly { proxy: string; server: string; sessions: number }[],
  member: string,
): number =>
  rows
    .filter((row) => READING.includes(row.proxy) && row.server === member)
    .reduce((sum, row) => sum + row.sessions, 0);

/**
 * POSIX sh for a balancer during a switchover that polls both leaders' Patroni and updates HAProxy as soon as the old
 * one steps down and the new one leads. Waiting for the next checks would cost more: a connection that the old leader
 * refuses in between is retried a second later. HAProxy's own checks continue and decide. Ends by itself after
 * `seconds`.
 */
export function followSwitchover(from: Host, to: Host, cluster: Cluster, seconds: number): string {
  const answer = ({ address }: Host) =>
    `${CURL} -s -o /dev/null -w '%{http_code}' --max-time 1 --cacert ${PKI.haproxy}/patroni-ca.crt ${quote(`https://${hostPort(address, cluster.settings.patroni.port)}/primary`)}`;
  const health = ({ name }: Host, word: 'up' | 'down') =>
    send(['primary', 'leader_reads'].map((backend) => `set server ${backend}/${name} health ${word}`));
  return `end=$(($(date +%s) + ${seconds})) down=
while [ "$(date +%s)" -lt $end ]; do
  if [ -z "$down" ] && [ "$(${answer(from)})" = 503 ]; then
${health(from, 'down')}
    down=yes
  fi
  if [ -n "$down" ] && [ "$(${answer(to)})" = 200 ]; then
${health(to, 'up')}
    exit 0
  fi
  # Patroni answers in the same process that carries the switchover out, so it is not asked more often than needed.
  [ -n "$down" ] && sleep 0.1 || sleep 0.2
  echo # ends the shell when the controller is gone
done`;
}
