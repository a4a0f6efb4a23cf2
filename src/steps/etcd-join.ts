import { PATHS } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import { quote, words } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

export interface EtcdJoinWant {
  name: string;
  /** The members know one of this address whose host was set up anew. */
  replaces: boolean;
  peerUrl: string;
  /** Client URLs of the members that are there. */
  endpoints: string[];
  pki: string;
  /** The environment file with the initial cluster, which etcd reads on its first start. */
  file: string;
}

/** etcdctl with the certificates of this host. */
export const etcdctl = (pki: string): string =>
  `${words('env', 'ETCDCTL_API=3', 'etcdctl', `--cacert=${pki}/ca.crt`, `--cert=${pki}/server.crt`, `--key=${pki}/server.key`)}`;

/** POSIX sh that asks `endpoint`, a voter, to promote the learner `name`; etcd refuses while it is not caught up. */
export const promoteScript = (name: string, endpoint: string, pki: string): string => {
  const ctl = `${etcdctl(pki)} ${quote(`--endpoints=${endpoint}`)}`;
  return `${ctl} member list -w simple | awk -F', ' -v name=${quote(name)} '$3 == name && $6 == "true" {print $1}' | while read -r id; do ${ctl} member promote "$id"; done`;
};

/** POSIX sh that has the member with this peer URL removed by its id, asked of `endpoint`; nothing when it is gone already. */
export const memberRemove = (peerUrl: string, endpoint: string, pki: string): string => {
  const ctl = `${etcdctl(pki)} ${quote(`--endpoints=${endpoint}`)}`;
  return `set -e
umask 077
mkdir -p ${PATHS.state}/etcd
id=$(${ctl} member list -w simple | awk -F', ' -v url=${quote(peerUrl)} '$4 == url {print $1}')
if [ -n "$id" ]; then
  ${ctl} snapshot save ${PATHS.state}/etcd/before-removal-$(date +%s).db >/dev/null 2>&1
  ${ctl} member remove "$id"
fi`;
};

/**
 * POSIX sh for a host without etcd data: adds it as a learner, unless an interrupted run has, and writes what etcd reads on
 * its first start. All present members must be healthy, and a snapshot is kept on this host first.
 */
export function joinScript({ name, peerUrl, endpoints, pki, file }: Omit<EtcdJoinWant, 'replaces'>): string {
  const ctl = etcdctl(pki);
  const all = quote(`--endpoints=${endpoints.join(',')}`);
  return `set -e
umask 077
quietly() { out=$("$@" 2>&1) || { printf '%s\\n' "$out" | tail -n 3; return 1; }; }
# A change of members is refused until all of them have been in touch for a few seconds (strict reconfiguration check).
end=$(($(date +%s) + 45))
patiently() {
  until quietly "$@"; do
    case "$out" in *unhealthy*) [ $(date +%s) -lt $end ] || return 1; sleep 1 ;; *) return 1 ;; esac
  done
}
patiently ${ctl} ${all} endpoint health
mkdir -p ${PATHS.state}/etcd
quietly ${ctl} ${quote(`--endpoints=${endpoints[0]}`)} snapshot save ${PATHS.state}/etcd/before-join-$(date +%s).db
list=$(${ctl} ${all} member list -w simple)
# One that has been started and has no data here can never go on; one that has not is what an interrupted run has added.
old=$(echo "$list" | awk -F', ' -v url=${quote(peerUrl)} '$4 == url && $2 == "started" {print $1}')
if [ -n "$old" ]; then
  patiently ${ctl} ${all} member remove "$old"
  list=$(${ctl} ${all} member list -w simple)
fi
if ! echo "$list" | awk -F', ' -v url=${quote(peerUrl)} '$4 == url {found = 1} END {exit !found}'; then
  patiently ${ctl} ${all} member add ${quote(name)} --learner ${quote(`--peer-urls=${peerUrl}`)}
  list=$(${ctl} ${all} member list -w simple)
fi
members=$(echo "$list" | awk -F', ' -v url=${quote(peerUrl)} -v name=${quote(name)} '{n = $4 == url ? name : $3; printf "%s%s=%s", sep, n, $4; sep = ","}')
printf '# Managed by hapg, written once\\nETCD_INITIAL_CLUSTER=%s\\nETCD_INITIAL_CLUSTER_STATE=existing\\n' "$members" > ${quote(file)}
chmod 0644 ${quote(file)}`;
}

/**
 * A host joins an etcd cluster that lives: first as a learner, which cannot harm the quorum (etcd's "Learner" design).
 */
const etcdJoinKind: Kind<EtcdJoinWant, 'absent' | 'joined' | 'removed'> = {
  name: 'etcd-join',
  volatile: true,
  // The step is there because etcd does not know this host; one that has joined before and does not run was removed.
  probe: (steps) =>
    steps
      .map(
        (one) =>
          `if [ ! -e ${quote(one.want.file)} ]; then echo absent; elif systemctl -q is-active etcd; then echo joined; else echo removed; fi`,
      )
      .join('\n'),
  parse: (answer, steps) =>
    new Map(steps.map((one, index) => [one.id, answer.trim().split('\n')[index] as 'absent' | 'joined' | 'removed'])),
  diff({ want }, state) {
    if (state === 'joined') return undefined;
    return {
      action: 'create',
      summary:
        state === 'removed'
          ? `${want.name} was an etcd member and is none any more; "hapg repair" replaces it`
          : `${want.replaces ? 'the member that its host had before is removed; ' : ''}${want.name} joins as a learner, then becomes a voter`,
    };
  },
  async change({ want }, state, remote) {
    if (state === 'removed') throw new Error('it was an etcd member and is none any more; "hapg repair" replaces it');
    await remote.run(joinScript(want), 90);
  },
};

export const etcdJoin = (role: RoleName, want: EtcdJoinWant): Step => step(etcdJoinKind, role, want.name, want);
