import type { Cluster, Host } from '../inventory/model.ts';
import { hostPort } from '../inventory/network.ts';
import { PKI } from '../paths.ts';
import { answersInto, CURL, CURL_ENDS } from '../programs/curl.ts';
import { json } from '../programs/json.ts';
import { quote } from '../shell/quote.ts';
import { type Answer, curlSilence } from './answer.ts';
import { type DcsView, nameOf } from './dcs-view.ts';
import type { Question } from './question.ts';

/** The environment file of etcd's first start; written once, it also notes that the host has joined. */
export const ETCD_INITIAL = '/etc/etcd/initial.env';

const b64 = (text: string) => Buffer.from(text).toString('base64');

/** POSIX sh that asks the etcd member of a host once, for all later sections of the script. */
export function etcdAnswers({ settings, dcsPath }: Cluster, host: Host): string {
  const base = `https://${hostPort(host.address, settings.etcd.client_port)}`;
  const range = (key: string) => `-d '{"key":"${b64(`${dcsPath}${key}`)}"}' ${base}/v3/kv/range`;
  const names = ['HEALTH', 'STATUS', 'MEMBERS', 'INITIALIZE', 'FAILSAFE'].map((name) => `HAPG_ETCD_${name}`);
  const curl = [
    `${base}/health`,
    `-d '{}' ${base}/v3/maintenance/status`,
    `-d '{}' ${base}/v3/cluster/member/list`,
    range('initialize'),
    range('failsafe'),
  ].join(' --next "$@" ');
  return `${[...names, 'HAPG_ETCD_CODE'].map((name) => `${name}=`).join(' ')}
if [ -e ${PKI.etcd}/server.key ]; then
set -- -s --max-time 3 ${CURL_ENDS} --cacert ${PKI.etcd}/ca.crt --cert ${PKI.etcd}/server.crt --key ${PKI.etcd}/server.key
${answersInto(names, 'HAPG_ETCD_CODE', `${CURL} "$@" ${curl}`)}
fi`;
}

/** The host's etcd member, and what Patroni keeps there; null when none runs. After `etcdAnswers`. */
export const etcd: Question<Answer<DcsView | null>> = {
  about: 'members',
  of: (_cluster, { roles }) => roles.has('etcd'),
  script: () =>
    `printf '%s\\n' "$HAPG_ETCD_HEALTH" "$HAPG_ETCD_STATUS" "$HAPG_ETCD_MEMBERS" "$HAPG_ETCD_INITIALIZE" "$HAPG_ETCD_FAILSAFE" "$HAPG_ETCD_CODE"`,
  read(answer, cluster) {
    const lines = answer.split('\n');
    const [health, status, list, initialize, failsafe] = [0, 1, 2, 3, 4].map((index) => json(lines[index]));
    if (!health && !status && !list) {
      const reason = curlSilence(lines[5]);
      return reason === undefined ? { said: null } : { silent: reason };
    }
    const members = list?.members as
      | { ID: string; name?: string; peerURLs?: string[]; isLearner?: boolean }[]
      | undefined;
    return {
      said: {
        // etcd answers "healthy" only after a read that needed the quorum (etcd documentation, "Check health").
        healthy: health?.health === 'true',
        id: String((status?.header as { member_id?: string } | undefined)?.member_id ?? ''),
        leader: String(status?.leader ?? ''),
        ...(typeof status?.version === 'string' ? { version: status.version } : {}),
        members: members?.map(({ ID, name, peerURLs, isLearner }) => ({
          id: ID,
          name: name || nameOf(cluster, peerURLs?.[0]),
          peer: peerURLs?.[0] ?? '',
          learner: isLearner === true,
        })),
        initialize: firstValue(initialize),
        failsafe: Object.keys(json<Record<string, string>>(firstValue(failsafe)) ?? {}),
        // Neither silence nor an error means that there is no such key; a range has a header.
        ...(initialize?.header && failsafe?.header ? {} : { blind: true }),
      },
    };
  },
};

/**
 * Returns the value of the first key of a range. etcd omits an empty one; Patroni's initialize key is empty until the
 * first database is made.
 */
function firstValue(range: Record<string, unknown> | undefined): string | undefined {
  const first = (range?.kvs as { value?: string }[] | undefined)?.[0];
  return first?.value === undefined ? undefined : Buffer.from(first.value, 'base64').toString();
}

/** Whether an etcd member belongs here but has never joined: no data, and no note of a join. */
export const newToDcs: Question<boolean> = {
  about: 'members',
  of: (_cluster, { roles }) => roles.has('etcd'),
  script: ({ dcs }) => `[ -e ${ETCD_INITIAL} ] || [ -e ${quote(`${dcs.dataDir}/member`)} ] || echo yes`,
  read: (answer) => answer.trim() === 'yes',
};
