import { clientUrl } from '../../roles/etcd/etcd.ts';
import type { DcsRemains } from '../../src/decisions/repair.ts';
import { type Cluster, dcsHosts, dcsRole, type Host } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { CURL } from '../../src/programs/curl.ts';
import { isHealthy } from '../../src/programs/etcd.ts';
import { quote, words } from '../../src/shell/quote.ts';

/**
 * POSIX sh for a DCS host that prints the other hosts whose ports do not answer. Any answer on such a port, an error of
 * TLS included, means that it is reached (curl(1), "EXIT CODES": 7 refused, 28 no answer in time). For etcd it also
 * prints those whose members report from here that they are healthy.
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

/** Reads the answers of `remains` and `reaching`. */
export const parseRemains = (answer: string): DcsRemains => ({
  active: /^active$/m.test(answer),
  data: /^data$/m.test(answer),
  sizeBytes: Number(/^size (\d+)$/m.exec(answer)?.[1] ?? 0),
  written: Number(/^written (\d+)$/m.exec(answer)?.[1] ?? 0),
  cutOffFrom: [...answer.matchAll(/^cut-off (\S+)$/gm)].map(([, name]) => name!),
  seesHealthy: [...answer.matchAll(/^healthy (\S+)$/gm)].map(([, name]) => name!),
});
