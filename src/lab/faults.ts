import { UsageError } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';
import { suggest } from '../inventory/suggest.ts';
import type { Platform } from './platform.ts';
import { platformOf } from './platforms.ts';
import { run } from './programs.ts';
import { subnetsOf } from './subnet.ts';

/** Cuts the power of a host: nothing on it ends in order, and it does not start again by itself. */
export const labKill = async (cluster: Cluster, host: string): Promise<void> =>
  (await platformWith(cluster, host)).kill(host);

/** Gives a host its power back. */
export const labStart = async (cluster: Cluster, host: string): Promise<void> =>
  (await platformWith(cluster, host)).start(host);

/** Returns the platform of a lab that has this host. Throws UsageError where it has none. */
async function platformWith(cluster: Cluster, host: string): Promise<Platform> {
  const platform = await platformOf(cluster);
  const names = (await platform.machines()).map(({ name }) => name);
  if (!names.includes(host))
    throw new UsageError(
      `${host}: the lab of ${cluster.name} has no such host; ${names.length > 0 ? `it has ${names.join(', ')}${suggest(host, names)}` : '"hapg lab up" makes it'}`,
    );
  return platform;
}

/** iptables rules that drop everything to and from the lab's networks but gateways (published SSH) and the host itself. */
async function partition(cluster: Cluster, platform: Platform, action: 'insert' | 'delete'): Promise<string> {
  const verb = `iptables -w -${action === 'insert' ? 'I' : 'D'}`;
  const networks = subnetsOf(cluster);
  const gateways = await platform.gateways();
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

async function exec(platform: Platform, host: string, script: string): Promise<void> {
  const [program, ...args] = platform.shell(host, script);
  await run(program!, args);
}

/** Cuts a host off from the cluster network; SSH through the published port is kept. */
export async function labCut(cluster: Cluster, host: string): Promise<void> {
  const platform = await platformWith(cluster, host);
  await exec(
    platform,
    host,
    `set -e\ncommand -v iptables >/dev/null || { echo 'iptables is not there yet; run hapg apply first' >&2; exit 1; }\n${await partition(cluster, platform, 'insert')}`,
  );
}

/** Reverts `labCut`; rules that a reboot has already dropped are no error. */
export async function labHeal(cluster: Cluster, host: string): Promise<void> {
  const platform = await platformWith(cluster, host);
  await exec(platform, host, `{ ${await partition(cluster, platform, 'delete')}; } 2>/dev/null\ntrue`);
}
