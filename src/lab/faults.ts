import type { Cluster } from '../inventory/model.ts';
import { docker } from './docker.ts';
import { containerName, exec, waitFor } from './lab.ts';
import { gatewayOf, subnetsOf } from './network.ts';

/** Simulates power loss of a host's processes: the engine does not start it again by itself. */
export async function labKill(cluster: Cluster, host: string): Promise<void> {
  await docker('update', '--restart', 'no', containerName(cluster, host));
  await docker('kill', containerName(cluster, host));
}

export async function labStart(cluster: Cluster, host: string): Promise<void> {
  await docker('update', '--restart', 'always', containerName(cluster, host));
  await docker('start', containerName(cluster, host));
  await waitFor(
    `${host} to boot`,
    async () => (await exec(cluster, host, 'systemctl is-active ssh.service')).trim() === 'active',
  );
}

/** iptables rules that drop everything to and from the lab's networks but gateways (published SSH) and the host itself. */
async function partition(cluster: Cluster, action: 'insert' | 'delete'): Promise<string> {
  const verb = `iptables -w -${action === 'insert' ? 'I' : 'D'}`;
  const networks = subnetsOf(cluster);
  const gateways = await Promise.all(networks.map(gatewayOf));
  return [
    ['INPUT', '-s', '-i'],
    ['OUTPUT', '-d', '-o'],
  ]
    .flatMap(([chain, address, device]) => [
      ...networks.map((network) => `${verb} ${chain} ${address} ${network} -j DROP`),
      ...gateways.map((gateway) => `${verb} ${chain} ${address} ${gateway} -j ACCEPT`),
      `${verb} ${chain} ${device} lo -j ACCEPT`,
    ])
    .join('\n');
}

/** Cuts a host off from the cluster network; SSH through the published port is kept. */
export async function labCut(cluster: Cluster, host: string): Promise<void> {
  await exec(
    cluster,
    host,
    `set -e\ncommand -v iptables >/dev/null || { echo 'iptables is not there yet; run hapg apply first' >&2; exit 1; }\n${await partition(cluster, 'insert')}`,
  );
}

/** Reverts `labCut`; rules that a reboot has already dropped are no error. */
export async function labHeal(cluster: Cluster, host: string): Promise<void> {
  await exec(cluster, host, `{ ${await partition(cluster, 'delete')}; } 2>/dev/null\ntrue`);
}
