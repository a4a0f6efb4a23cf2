import { PATHS, PKI } from '../paths.ts';
import { pipe } from '../shell/pipe.ts';
import { quote, words } from '../shell/quote.ts';
import { CURL } from './curl.ts';
import { DAEMON_RELOAD, printActive, resetFailed, start, stop } from './systemd.ts';

const UNIT = 'etcd.service';
/** Directory for copies of what is about to be removed. */
const KEPT = `${PATHS.state}/etcd`;

/** POSIX sh: etcdctl with the certificates of this host, asking these client URLs. */
export const etcdctl = (...endpoints: readonly string[]): string =>
  words(
    ...['env', 'ETCDCTL_API=3', 'etcdctl'],
    ...[`--cacert=${PKI.etcd}/ca.crt`, `--cert=${PKI.etcd}/server.crt`, `--key=${PKI.etcd}/server.key`],
    `--endpoints=${endpoints.join(',')}`,
  );

/** POSIX sh function that runs a program and prints the end of its output only when it fails; `out` keeps it. */
const QUIETLY = `quietly() { out=$("$@" 2>&1) || { printf '%s\\n' "$out" | tail -n 3; return 1; }; }`;

/**
 * Command that prints the members, one a line: ID, status, name, peer URLs, client URLs, whether it is a learner;
 * separated by a comma and a space.
 */
const list = (ctl: string): string => `${ctl} member list -w simple`;

/** awk command that selects the members' lines for which `condition` is true; `variables` are passed to it as texts. */
const members = (condition: string, variables: Record<string, string>): string =>
  `awk -F', ' ${Object.entries(variables)
    .map(([name, value]) => `-v ${quote(`${name}=${value}`)}`)
    .join(' ')} '${condition} {print $1}'`;

/** POSIX sh that asks `endpoint`, a voter, to promote the learner `name`; etcd refuses until it has caught up. Does nothing for a voter. */
export const promoteMember = (name: string, endpoint: string): string => {
  const ctl = etcdctl(endpoint);
  return `ids=$(${pipe(list(ctl), members('$3 == name && $6 == "true"', { name }))}) || exit 1
for id in $ids; do ${ctl} member promote "$id" || exit 1; done`;
};

/**
 * POSIX sh that removes the member with this peer URL by its id through `endpoint`, and checks that it is gone; a
 * snapshot is kept first. It does nothing when the member is not in the list, provided that the list could be read.
 */
export const removeMember = (peerUrl: string, endpoint: string): string => {
  const ctl = etcdctl(endpoint);
  const id = pipe(list(ctl), members('$4 == url', { url: peerUrl }));
  return `set -e
umask 077
${QUIETLY}
mkdir -p ${KEPT}
id=$(${id})
if [ -n "$id" ]; then
  quietly ${ctl} snapshot save ${KEPT}/before-removal-$(date +%s).db
  quietly ${ctl} member remove "$id"
  id=$(${id})
  [ -z "$id" ] || { echo "member $id is still there"; exit 1; }
fi`;
};

/** A host that joins a running etcd cluster. */
export interface Joining {
  name: string;
  peerUrl: string;
  /** Client URLs of the present members. */
  endpoints: readonly string[];
  /** The environment file of etcd's first start, with the initial cluster. */
  file: string;
}

/**
 * POSIX sh for a host without etcd data that adds it as a learner, unless an interrupted run did, and writes the file
 * of its first start. All present members must be healthy, and a snapshot is kept on this host first.
 */
export function joinMember({ name, peerUrl, endpoints, file }: Joining): string {
  const all = etcdctl(...endpoints);
  return `set -e
umask 077
${QUIETLY}
# A change of members is refused until all of them have been in touch for a few seconds (strict reconfiguration check).
end=$(($(date +%s) + 45))
patiently() {
  until quietly "$@"; do
    case "$out" in *unhealthy*) [ $(date +%s) -lt $end ] || return 1; sleep 1 ;; *) return 1 ;; esac
  done
}
patiently ${all} endpoint health
mkdir -p ${KEPT}
quietly ${etcdctl(endpoints[0]!)} snapshot save ${KEPT}/before-join-$(date +%s).db
list=$(${list(all)})
# One that has been started and has no data here can never go on; one that has not is what an interrupted run has added.
old=$(echo "$list" | ${members('$4 == url && $2 == "started"', { url: peerUrl })})
if [ -n "$old" ]; then
  patiently ${all} member remove "$old"
  list=$(${list(all)})
fi
if [ -z "$(echo "$list" | ${members('$4 == url', { url: peerUrl })})" ]; then
  patiently ${all} member add ${quote(name)} --learner ${quote(`--peer-urls=${peerUrl}`)}
  list=$(${list(all)})
fi
members=$(echo "$list" | awk -F', ' -v ${quote(`url=${peerUrl}`)} -v ${quote(`name=${name}`)} '{n = $4 == url ? name : $3; printf "%s%s=%s", sep, n, $4; sep = ","}')
printf '# Managed by hapg, written once\\nETCD_INITIAL_CLUSTER=%s\\nETCD_INITIAL_CLUSTER_STATE=existing\\n' "$members" > ${quote(file)}
chmod 0644 ${quote(file)}`;
}

/** POSIX sh that prints what is left of this host's member; read by `parseRemains`. Writes nothing. */
export const memberRemains = (dataDir: string): string => `d=${quote(dataDir)}/member
${printActive(UNIT)}
[ -s "$d/snap/db" ] && ls "$d/wal/"*.wal >/dev/null 2>&1 && echo data
echo "size $(stat -c %s "$d/snap/db" 2>/dev/null || echo 0)"
echo "written $(stat -c %Y "$d/wal/"*.wal 2>/dev/null | sort -n | tail -n 1)"`;

/** POSIX sh that stops the member and resets its failures; ends the script when it does not stop. */
export const STOP_ETCD: string = stop(UNIT);

/** POSIX sh that starts the member within a minute. */
export const START_ETCD: string = `${resetFailed(UNIT)}\n${start(UNIT, 60)}`;

/**
 * POSIX sh that makes this member the only one, with all its data, while all others are stopped; a copy of the data is
 * kept. It uses etcd's "--force-new-cluster" (etcd operations guide, disaster recovery) for one start, in a drop-in
 * that is removed before the unit is started as usual.
 */
export const goOnAlone = (dataDir: string, endpoint: string): string => `set -e
umask 077
systemctl stop ${UNIT}
mkdir -p ${KEPT}
cp -a ${quote(dataDir)} ${KEPT}/before-recovery-$(date +%s)
mkdir -p /run/systemd/system/${UNIT}.d
printf '[Service]\\nEnvironment=ETCD_FORCE_NEW_CLUSTER=true\\n' > /run/systemd/system/${UNIT}.d/hapg-recovery.conf
chmod 0644 /run/systemd/system/${UNIT}.d/hapg-recovery.conf
${DAEMON_RELOAD}
${start(UNIT, 60)} || failed=1
rm -f /run/systemd/system/${UNIT}.d/hapg-recovery.conf
${DAEMON_RELOAD}
[ -z "\${failed-}" ]
${etcdctl(endpoint)} endpoint health
systemctl restart ${UNIT}`;

/** POSIX sh that writes a key only if there is none. */
export const createKey = (endpoint: string, key: string, value: string): string =>
  `printf 'create("%s") = "0"\n\nput %s %s\n\n\n' ${quote(key)} ${quote(key)} ${quote(value)} | ${etcdctl(endpoint)} txn`;

/** POSIX sh that saves what is below `path`, then removes these keys and directories from it. `stamp` names the copy. */
export function deleteKeys(
  endpoint: string,
  path: string,
  { keys, directories, stamp }: { keys: readonly string[]; directories: readonly string[]; stamp: string },
): string {
  const ctl = etcdctl(endpoint);
  return `set -e
umask 077
mkdir -p ${KEPT}
${ctl} get --prefix ${quote(path)} -w json > ${KEPT}/scope-before-restore-${stamp}.json
for k in ${keys.join(' ')}; do ${ctl} del ${path}$k >/dev/null; done
for d in ${directories.join(' ')}; do ${ctl} del --prefix ${path}$d/ >/dev/null; done`;
}

/** Arguments of curl that a member requires. */
const IDENTITY = `--cacert ${PKI.etcd}/ca.crt --cert ${PKI.etcd}/server.crt --key ${PKI.etcd}/server.key`;

/** POSIX sh condition: the member at this client URL reports that it is healthy, so it is part of a quorum. */
export const isHealthy = (url: string): string =>
  `case "$(${CURL} -s --max-time 5 ${IDENTITY} ${url}/health)" in *'"health":"true"'*) true ;; *) false ;; esac`;

/**
 * POSIX sh condition: the member at this client URL is healthy and no learner. It starts no process when a probe has
 * the answers already.
 */
export const isVoter = (url: string): string => `set -- -sf --max-time 3 ${IDENTITY}
case "\${HAPG_ETCD_HEALTH-$(${CURL} "$@" ${url}/health)}" in
  *'"health":"true"'*) case "\${HAPG_ETCD_STATUS-$(${CURL} "$@" -d '{}' ${url}/v3/maintenance/status)}" in *'"isLearner":true'*) false ;; esac ;;
  *) false ;;
esac`;
