import { PATHS, PKI } from '../paths.ts';
import { quote, words } from '../shell/quote.ts';
import { CURL } from './curl.ts';
import { printActive, start } from './systemd.ts';

const UNIT = 'zookeeper.service';
/** Directory for copies of what is about to be removed. */
const KEPT = `${PATHS.state}/zookeeper`;

/** ZooKeeper and what it needs of libzookeeper-java's dependencies; the package brings no start script of its own. */
export const CLASS_PATH = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-simple', 'commons-cli', 'commons-io', 'metrics-core'],
  ...['jackson-annotations', 'jackson-core', 'jackson-databind', 'snappy-java', 'servlet-api'],
  ...['buffer', 'codec', 'common', 'handler', 'resolver', 'transport'].map((part) => `netty-${part}`),
  ...['transport-native-epoll', 'transport-native-unix-common'].map((part) => `netty-${part}`),
  ...['server', 'http', 'io', 'util', 'servlet', 'security', 'util-ajax'].map((part) => `jetty9-${part}`),
]
  .map((jar) => `/usr/share/java/${jar}.jar`)
  .join(':');

/** Name in the certificate of the administrator, who may change members (X509AuthenticationProvider.superUser). */
export const ADMIN = 'hapg-admin';

/**
 * POSIX sh that defines `zk COMMAND...`, ZooKeeper's own client as the administrator of the cluster, connected to one
 * of `servers` (HOST:PORT). Each call starts a Java machine, which takes a second. Runs on a host with the role
 * zookeeper. An empty hosts file keeps Java from looking up an address's name and wanting that in the certificate.
 */
export const zookeeperCli = (servers: readonly string[]): string => `pem=$(mktemp -d -p /run)
trap 'rm -rf "$pem"' EXIT
( umask 077; cat ${PKI.zookeeper}/admin.key ${PKI.zookeeper}/admin.crt > "$pem/admin.pem"; cat ${PKI.zookeeper}/ca.crt > "$pem/ca.pem" )
zk() {
  java -Djdk.net.hosts.file=/dev/null -Xmx64m -XX:TieredStopAtLevel=1 -cp ${quote(CLASS_PATH)} -Dorg.slf4j.simpleLogger.defaultLogLevel=off \\
    -Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty -Dzookeeper.client.secure=true \\
    -Dzookeeper.ssl.keyStore.location="$pem/admin.pem" -Dzookeeper.ssl.trustStore.location="$pem/ca.pem" \\
    org.apache.zookeeper.ZooKeeperMain -server ${quote(servers.join(','))} "$@"
}`;

/** POSIX sh that reads the members into `$now`, as lines of the configuration; ends the script when nobody answers. */
const NOW = `now=$(zk config 2>/dev/null | grep '^server\\.') || { echo 'the others do not answer'; exit 1; }`;

/**
 * POSIX sh that removes the member with this peer address through `others`, and checks that it is gone; does nothing
 * when it is gone already.
 */
export const removeMember = (peer: string, others: readonly string[]): string => `${zookeeperCli(others)}
${NOW}
id=$(printf '%s\\n' "$now" | grep -F ${quote(`=${peer}:`)} | sed 's/^server\\.\\([0-9]*\\)=.*/\\1/')
[ -z "$id" ] || zk reconfig -remove "$id" 2>&1 | tail -n 3
${NOW}
! printf '%s\\n' "$now" | grep -qF ${quote(`=${peer}:`)}`;

/** One member of an ensemble: the directory of its data, its peer address, and the address of its administration server. */
export interface Member {
  dataDir: string;
  peer: string;
  admin: string;
  /** Its line of the configuration, in which the number is the variable `$id` of sh. */
  line: string;
}

/** POSIX sh that prints the state of a member as one word (Administrator's Guide, "zabstate"); empty without an answer. */
const zabState = (admin: string): string => `${CURL} -sf --max-time 3 ${admin}/zabstate | tr -d ' \\n'`;

/** POSIX sh condition: a member has a quorum (the phase "broadcast") and a vote. */
export const isVoter = (admin: string): string =>
  `state=$(${zabState(admin)}); case "$state" in *'"voting":true'*) ;; *) exit 1 ;; esac; case "$state" in *'"zabstate":"broadcast"'*) ;; *) exit 1 ;; esac`;

/**
 * POSIX sh that asks a running ensemble for a vote for this host, once it follows ("reconfig", ZooKeeper Dynamic
 * Reconfiguration). Does nothing when it votes already, or without a leader. Refuses a number that another address has.
 */
export const askForVote = ({ dataDir, peer, admin, line }: Member, others: readonly string[]): string =>
  `${zabState(admin)} | grep -q '"voting":false.*"zabstate":"broadcast"' || exit 0
id=$(cat ${quote(`${dataDir}/myid`)})
${zookeeperCli(others)}
${NOW}
if printf '%s\\n' "$now" | grep "^server\\.$id=" | grep -qvF ${quote(`=${peer}:`)}; then echo "another member has the number $id"; exit 1; fi
zk reconfig -add "${line}" 2>&1 | tail -n 3`;

/** POSIX sh that prints what is left of this host's member; read by `parseRemains`. Writes nothing. */
export const memberRemains = (dataDir: string): string => `d=${quote(dataDir)}
${printActive(UNIT)}
[ -s "$d/myid" ] && ls "$d/version-2" 2>/dev/null | grep -qE '^(log|snapshot)[.]' && echo data
echo "size $(du -sb "$d/version-2" 2>/dev/null | cut -f 1)"
echo "written $(stat -c %Y "$d"/version-2/* 2>/dev/null | sort -n | tail -n 1)"`;

/**
 * POSIX sh that makes this member the only one, with all its data, while all others are stopped; a copy of the data is
 * kept. It starts with a list of members that holds only itself (ZooKeeper Dynamic Reconfiguration,
 * "dynamicConfigFile").
 */
export const goOnAlone = ({ dataDir, line }: Pick<Member, 'dataDir' | 'line'>): string => {
  const data = quote(dataDir);
  return `set -e
umask 077
systemctl stop ${UNIT}
mkdir -p ${KEPT}
cp -a ${data} ${KEPT}/before-recovery-$(date +%s)
id=$(cat ${data}/myid)
rm -f ${data}/conf/zoo.cfg.dynamic.*
printf '%s\\n' "${line}" > ${data}/conf/members.initial
chown zookeeper:zookeeper ${data}/conf/members.initial
${start(UNIT, 60)}`;
};

/** Returns the parents of a key, which must exist before it: `/service` and `/service/main` for `/service/main/initialize`. */
const parents = (key: string): string[] => {
  const names = key.split('/').slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
};

/** POSIX sh that writes a key only if there is none; fails when it does not hold this value afterwards. */
export const createKey = (servers: readonly string[], key: string, value: string): string => `${zookeeperCli(servers)}
for p in ${words(...parents(key))}; do zk create "$p" '' >/dev/null 2>&1; done
zk create ${quote(key)} ${quote(value)} 2>&1 | tail -n 2
zk get ${quote(key)} 2>/dev/null | grep -qxF ${quote(value)}`;

/**
 * POSIX sh that saves what is below the scope (a path without a trailing slash), then removes these keys and
 * directories from it, and checks that they are gone. `stamp` names the copy. What cannot be saved is not removed.
 */
export const deleteKeys = (
  servers: readonly string[],
  scope: string,
  { keys, directories, stamp }: { keys: readonly string[]; directories: readonly string[]; stamp: string },
): string => {
  const all = [...keys, ...directories].join(' ');
  return `set -e
umask 077
mkdir -p ${KEPT}
${zookeeperCli(servers)}
# A key that is not there is no failure.
there() { out=$(zk "$@" 2>&1) || case "$out" in *'Node does not exist'*) out= ;; *) printf '%s\\n' "$out" | tail -n 2 >&2; return 1 ;; esac; }
{
  there ls -R ${scope}; printf '%s\\n' "$out"
  for k in config ${keys.join(' ')}; do echo "== $k"; there get ${scope}/$k; printf '%s\\n' "$out" | tail -n 1; done
} > ${KEPT}/scope-before-restore-${stamp}.txt
for k in ${all}; do zk deleteall ${scope}/$k >/dev/null 2>&1 || true; done
there ls -R ${scope}
for k in ${all}; do
  if printf '%s\\n' "$out" | grep -qxF "${scope}/$k"; then echo "$k is still there"; exit 1; fi
done`;
};
