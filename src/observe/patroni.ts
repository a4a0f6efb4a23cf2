import type { Cluster, Host } from '../inventory/model.ts';
import { hostPort } from '../inventory/network.ts';
import { PKI } from '../paths.ts';
import { answersInto, CURL, CURL_ENDS } from '../programs/curl.ts';
import { json } from '../programs/json.ts';
import { restAt } from '../programs/patroni.ts';
import { type Answer, curlSilence } from './answer.ts';
import type { Question } from './question.ts';

/** One member as Patroni's `/cluster` reports it. */
export interface PatroniMember {
  name: string;
  role: string;
  state: string;
  host?: string;
  timeline?: number;
  lag?: number | string;
  pending_restart?: boolean;
  tags?: Record<string, unknown>;
}

/** Patroni's answers; both are undefined when it does not run. */
export interface Patroni {
  /** GET /patroni: the member itself. */
  self: Record<string, unknown> | undefined;
  /** GET /cluster: all members as recorded in the DCS. */
  members: PatroniMember[] | undefined;
  paused: boolean;
}

const place = (cluster: Cluster, host: Host): string => hostPort(host.address, cluster.settings.patroni.port);

/** Returns the address of a host's Patroni REST API (https://HOST:PORT). */
export const patroniApi = (cluster: Cluster, host: Host): string => `https://${place(cluster, host)}`;

/** Returns POSIX sh that sets `$base` and the arguments of curl for a host's Patroni REST API. */
export const patroniRest = (cluster: Cluster, host: Host): string => restAt(place(cluster, host));

/**
 * POSIX sh that asks Patroni once, for all later sections of the script: a request takes up to 50 ms, and several kinds
 * of step need the answer. Scripts use `${HAPG_PATRONI-$(ask again)}`, so they also work alone.
 */
export function patroniAnswers(cluster: Cluster, host: Host): string {
  const base = patroniApi(cluster, host);
  const curl = `${CURL} -s --max-time 5 ${CURL_ENDS} --cacert ${PKI.patroni}/rest-ca.crt ${base}/patroni ${base}/cluster ${base}/config`;
  return `HAPG_PATRONI= HAPG_CLUSTER= HAPG_CONFIG= HAPG_PATRONI_CODE=
if [ -e ${PKI.patroni}/rest-ca.crt ]; then
${answersInto(['HAPG_PATRONI', 'HAPG_CLUSTER', 'HAPG_CONFIG'], 'HAPG_PATRONI_CODE', curl)}
fi`;
}

/** The member's own view and Patroni's view of all members; after `patroniAnswers`. */
export const patroni: Question<Answer<Patroni>> = {
  about: 'members',
  of: (_cluster, { roles }) => roles.has('patroni'),
  script: () => `printf '%s\\n' "$HAPG_PATRONI" "$HAPG_CLUSTER" "$HAPG_PATRONI_CODE"`,
  read(answer) {
    const [one, list, code] = answer.split('\n');
    const self = json<Record<string, unknown>>(one);
    const all = json<Record<string, unknown>>(list);
    const reason = self || all ? undefined : curlSilence(code);
    if (reason !== undefined) return { silent: reason };
    return { said: { self, members: all?.members as PatroniMember[] | undefined, paused: all?.pause === true } };
  },
};
