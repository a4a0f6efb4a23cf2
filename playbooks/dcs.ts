import { clientUrl } from '../roles/etcd/etcd.ts';
import type { DcsRemains } from '../src/cluster/decisions/repair.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, dcsHosts, dcsRole, type Host, patroniScope } from '../src/inventory/model.ts';
import { hostPort } from '../src/inventory/network.ts';
import { PATHS } from '../src/paths.ts';
import { CURL } from '../src/programs/curl.ts';
import { isHealthy } from '../src/programs/etcd.ts';
import { listHeading, removeCluster, showDynamic } from '../src/programs/patroni.ts';
import { quote, words } from '../src/shell/quote.ts';
import { etcdMembers } from './dcs-etcd.ts';
import { zookeeperMembers } from './dcs-zookeeper.ts';

/** What is done to the members of a living DCS beside configuring them; etcd and ZooKeeper each in their own way. */
export interface DcsMembers {
  unit: string;
  /** A file that says that this host has joined, outside of its data. */
  joined: string | undefined;
  /** Takes the member of a host out of the ensemble, asked of another one. */
  leave(op: Operation, host: Host): Promise<void>;
  /** POSIX sh that tells what is left of a member: `active`, `data`, `size BYTES`, `written SECONDS`. Writes nothing. */
  remains(cluster: Cluster): string;
  /** What a replacement of a broken member means, for a person. */
  replacement: string;
  /** A member that is broken starts anew and gets everything from the others. */
  replace(op: Operation, host: Host): Promise<void>;
  /** POSIX sh, while all others are stopped: this member goes on alone with all that it knows; a copy of its data is kept. */
  alone(cluster: Cluster, host: Host): string;
  /** POSIX sh for a host of the DCS: writes a key only if there is none. */
  create(cluster: Cluster, host: Host, key: string, value: string): string;
  /** POSIX sh for a host of the DCS: writes down what is below the cluster's path, then removes these. */
  forget(cluster: Cluster, host: Host, keys: readonly string[], directories: readonly string[], stamp: string): string;
}

/** Undefined for a DCS that somebody else looks after. */
export function dcsMembers(cluster: Cluster): DcsMembers | undefined {
  const role = dcsRole(cluster);
  return role && { etcd: etcdMembers, zookeeper: zookeeperMembers }[role];
}

/**
 * POSIX sh for a database host, while Patroni runs nowhere: this cluster's keys are taken out of a DCS that somebody else
 * looks after, and nothing else there: not even keys of this name when they are of another database than one of
 * `identifiers`. Patroni's settings are kept in a file first.
 */
export const forgetElsewhere = (cluster: Cluster, identifiers: readonly string[], stamp: string): string => `umask 077
mkdir -p ${PATHS.state}/dcs
title=$(${listHeading(patroniScope(cluster))})
case "$title" in
  *'uninitialized)'*) exit 0 ;;
  ${identifiers.map((one) => `*'(${one})'*|*' ${one})'*`).join('|') || '-'}) ;;
  *) echo "${cluster.dcs.label} holds keys of another database, or does not answer: \${title:-no answer}"; exit 1 ;;
esac
${showDynamic(patroniScope(cluster))} > ${PATHS.state}/dcs/config-${stamp}.yml || exit 1
${removeCluster(cluster.scope, patroniScope(cluster))}`;

/**
 * POSIX sh for a host of the DCS that names the others whose ports do not answer from here. Whatever a member says on such a
 * port, an error of TLS included, means that it is reached (curl(1), "EXIT CODES": 7 refused, 28 no answer in time). Of
 * etcd it also names those whose members say from here that they are healthy.
 */
export const reaching = (cluster: Cluster, host: Host): string => {
  const { etcd, zookeeper } = cluster.settings;
  const ports = dcsRole(cluster) === 'etcd' ? [etcd.peer_port, etcd.client_port] : [zookeeper.client_port];
  return dcsHosts(cluster)
    .filter((other) => other !== host)
    .map(
      (other) => `for url in ${words(...ports.map((port) => `https://${hostPort(other.address, port)}`))}; do
  ${CURL} -s -k -o /dev/null --connect-timeout 3 --max-time 5 "$url"
  case $? in 7|28) echo ${quote(`cut-off ${other.name}`)}; break ;; esac
done
${
  dcsRole(cluster) === 'etcd'
    ? `if ${isHealthy(clientUrl(other, cluster))}; then echo ${quote(`healthy ${other.name}`)}; fi`
    : ':'
}`,
    )
    .join('\n');
};

/** Reads what `remains` and `reaching` have printed. */
export const parseRemains = (answer: string): DcsRemains => ({
  active: /^active$/m.test(answer),
  data: /^data$/m.test(answer),
  sizeBytes: Number(/^size (\d+)$/m.exec(answer)?.[1] ?? 0),
  written: Number(/^written (\d+)$/m.exec(answer)?.[1] ?? 0),
  cutOffFrom: [...answer.matchAll(/^cut-off (\S+)$/gm)].map(([, name]) => name!),
  seesHealthy: [...answer.matchAll(/^healthy (\S+)$/gm)].map(([, name]) => name!),
});
