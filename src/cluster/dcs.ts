import { type Cluster, type Host, patroniScope } from '../inventory/model.ts';
import { hostPort } from '../inventory/network.ts';
import { PKI } from '../paths.ts';
import { CURL } from '../programs/curl.ts';
import { json } from '../programs/json.ts';
import { patronictl } from '../programs/patroni.ts';
import { quote } from '../shell/quote.ts';
import type { Observation } from './observe.ts';

/** Where the other members find this one, as the DCS itself writes it: an etcd peer URL, a ZooKeeper server address. */
export const dcsPeer = ({ dcs, settings }: Cluster, host: Host): string =>
  dcs.kind === 'etcd'
    ? `https://${hostPort(host.address, settings.etcd.peer_port)}`
    : hostPort(host.address, settings.zookeeper.peer_port);

/** What etcd reads on its first start, written once: the note that a host has joined. */
export const ETCD_INITIAL = '/etc/etcd/initial.env';

/** What keeps who leads, in a word that stays the same as long as it is the same one. */
export const dcsName = ({ dcs }: Cluster): string => (dcs.external ? `external ${dcs.kind}` : dcs.kind);

const b64 = (text: string) => Buffer.from(text).toString('base64');

/** POSIX sh that asks the etcd member of a host once for all that follows in the same script. */
export function etcdAnswers({ settings, dcsPath }: Cluster, host: Host): string {
  const base = `https://${hostPort(host.address, settings.etcd.client_port)}`;
  const range = (key: string) => `-d '{"key":"${b64(`${dcsPath}${key}`)}"}' ${base}/v3/kv/range`;
  return `HAPG_ETCD_HEALTH= HAPG_ETCD_STATUS= HAPG_ETCD_MEMBERS= HAPG_ETCD_INITIALIZE= HAPG_ETCD_FAILSAFE= HAPG_ETCD_CODE=
if [ -e ${PKI.etcd}/server.key ]; then
set -- -s --max-time 3 -w '\\n' --cacert ${PKI.etcd}/ca.crt --cert ${PKI.etcd}/server.crt --key ${PKI.etcd}/server.key
{ read -r HAPG_ETCD_HEALTH; read -r HAPG_ETCD_STATUS; read -r HAPG_ETCD_MEMBERS; read -r HAPG_ETCD_INITIALIZE; read -r HAPG_ETCD_FAILSAFE; read -r HAPG_ETCD_CODE; } <<ANSWER
$(${CURL} "$@" ${base}/health --next "$@" -d '{}' ${base}/v3/maintenance/status --next "$@" -d '{}' ${base}/v3/cluster/member/list --next "$@" ${range('initialize')} --next "$@" ${range('failsafe')}; echo $?)
ANSWER
fi`;
}

/** ZooKeeper's AdminServer, which listens on loopback only (ZooKeeper Administrator's Guide, "The AdminServer"). */
export const zookeeperAdmin = ({ settings }: Cluster): string =>
  `http://127.0.0.1:${settings.zookeeper.admin_port}/commands`;

/** POSIX sh, after `etcdAnswers`: what a host can tell of the DCS. */
export function observeDcs(cluster: Cluster, host: Host): string[] {
  const parts: string[] = [];
  if (host.roles.has('etcd'))
    parts.push(
      `echo @etcd; printf '%s\\n' "$HAPG_ETCD_HEALTH" "$HAPG_ETCD_STATUS" "$HAPG_ETCD_MEMBERS" "$HAPG_ETCD_INITIALIZE" "$HAPG_ETCD_FAILSAFE" "$HAPG_ETCD_CODE"`,
      `echo @new; [ -e ${ETCD_INITIAL} ] || [ -e ${quote(`${cluster.dcs.dataDir}/member`)} ] || echo yes`,
    );
  if (host.roles.has('zookeeper'))
    parts.push(
      `echo @zookeeper; for c in zabstate leader voting_view; do ${CURL} -s --max-time 3 ${zookeeperAdmin(cluster)}/$c; echo; echo --; done`,
    );
  // What keeps its keys behind another protocol, or elsewhere, is read by the one who keeps them there.
  if (host.roles.has('patroni') && (cluster.dcs.kind !== 'etcd' || cluster.dcs.external)) {
    const rest = `https://${hostPort(host.address, cluster.settings.patroni.port)}`;
    parts.push(
      `echo @keys; if [ -e /etc/patroni/config.yml ]; then timeout 15 ${patronictl('list', ...patroniScope(cluster))} 2>/dev/null | sed -n 1p; ${CURL} -s --max-time 3 --cacert ${PKI.patroni}/rest-ca.crt ${rest}/failsafe; fi; echo`,
    );
  }
  return parts;
}

/** Reads what `observeDcs` has printed, by part; undefined where the host could tell nothing. */
export function parseDcs(parts: ReadonlyMap<string, string>, cluster: Cluster): Observation['dcs'] {
  const etcd = parts.has('etcd') ? parseEtcd(parts.get('etcd')!.split('\n'), cluster) : undefined;
  if (etcd) return etcd;
  const keys = parseKeys(parts.get('keys') ?? '');
  const member = parts.has('zookeeper') ? parseZookeeper(parts.get('zookeeper')!, cluster) : undefined;
  if (!member && !keys) return undefined;
  return {
    // Whether a quorum of our own is there is for its members to say; of others' we only know that it answers.
    ...(member ?? { healthy: cluster.dcs.external !== undefined, id: '', leader: '', members: undefined }),
    ...(keys ?? { initialize: undefined, failsafe: [], blind: true }),
  };
}

function parseEtcd(lines: string[], cluster: Cluster): Observation['dcs'] {
  const [health, status, list, initialize, failsafe] = [0, 1, 2, 3, 4].map((index) => json(lines[index]));
  if (!health && !list) return undefined;
  const members = list?.members as
    | { ID: string; name?: string; peerURLs?: string[]; isLearner?: boolean }[]
    | undefined;
  const value = (range: Record<string, unknown> | undefined) => {
    // etcd leaves an empty value out; Patroni's initialize key is empty until the first database is made.
    const first = (range?.kvs as { value?: string }[] | undefined)?.[0];
    return first?.value === undefined ? undefined : Buffer.from(first.value, 'base64').toString();
  };
  return {
    // etcd answers "healthy" only after a read that needed the quorum (etcd documentation, "Check health").
    healthy: health?.health === 'true',
    id: String((status?.header as { member_id?: string } | undefined)?.member_id ?? ''),
    leader: String(status?.leader ?? ''),
    members: members?.map(({ ID, name, peerURLs, isLearner }) => ({
      id: ID,
      name: name || nameOf(cluster, peerURLs?.[0]),
      peer: peerURLs?.[0] ?? '',
      learner: isLearner === true,
    })),
    initialize: value(initialize),
    failsafe: Object.keys(json<Record<string, string>>(value(failsafe)) ?? {}),
    // No answer to that question is not "there is no such key".
    ...(initialize ? {} : { blind: true }),
  };
}

const nameOf = (cluster: Cluster, peer: string | undefined): string =>
  cluster.hosts.find((host) => dcsPeer(cluster, host) === peer)?.name ?? '';

type Member = Pick<NonNullable<Observation['dcs']>, 'healthy' | 'id' | 'leader' | 'members'>;

/** A member that has no quorum behind it leaves the phase "broadcast" and serves nobody (ZooKeeper, ZAB). */
function parseZookeeper(text: string, cluster: Cluster): Member | undefined {
  const [state, leader, view] = text.split(/^--$/m).map((part) => json(part));
  if (!state) return undefined;
  const servers = view?.current_config as
    | Record<string, { server_addresses: string[]; learner_type: string }>
    | undefined;
  return {
    healthy: state.zabstate === 'broadcast',
    id: String(state.myid ?? ''),
    leader: String(leader?.leader_id ?? ''),
    members:
      servers &&
      Object.entries(servers).map(
        ([
          id,
          {
            server_addresses: [peer = ''],
            learner_type,
          },
        ]) => ({
          id,
          name: nameOf(cluster, peer),
          peer,
          learner: learner_type === 'observer',
        }),
      ),
  };
}

/** The heading of `patronictl list`, which no DCS gives without an answer: "Cluster: NAME (IDENTIFIER)", "(uninitialized)". */
function parseKeys(text: string): Pick<NonNullable<Observation['dcs']>, 'initialize' | 'failsafe'> | undefined {
  const [, identifier] = /^\+ (?:Citus c|C)luster: \S+ \((?:group: \d+, )?(\w+)\)/m.exec(text) ?? [];
  if (!identifier) return undefined;
  return {
    initialize: /^\d+$/.test(identifier) ? identifier : undefined,
    failsafe: Object.keys(json<Record<string, string>>(/^\{.*\}$/m.exec(text)?.[0]) ?? {}),
  };
}
