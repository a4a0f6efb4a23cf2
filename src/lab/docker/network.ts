import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cluster } from '../../inventory/model.ts';
import { isIPv6 } from '../../inventory/network.ts';
import { LabError } from '../programs.ts';
import { subnetsOf } from '../subnet.ts';
import { docker } from './engine.ts';

const run = promisify(execFile);

/** The engine's name of a network: labs with hosts in the same network share it, as do two clusters in one. */
export const networkName = (cidr: string): string => `hapg-${cidr.replace(/\/\d+$/, '').replaceAll(':', '-')}`;

const exists = async (name: string): Promise<boolean> =>
  (await docker('network', 'ls', '-q', '--filter', `name=^${name}$`)).trim() !== '';

/** The networks that a lab has routes to: its own, and those of the cluster that it is a standby of. */
const reached = ({ upstream }: Cluster): string[] => (upstream ? subnetsOf(upstream) : []);

/** Makes the missing networks of a lab, and routes between them, as data centers have. */
export async function ensureNetworks(cluster: Cluster): Promise<void> {
  const all = subnetsOf(cluster);
  for (const cidr of all) {
    if (await exists(networkName(cidr))) continue;
    // A gateway at the far end leaves the low addresses to hosts.
    const gateway = isIPv6(cidr.replace(/\/.*/, '')) ? cidr.replace('/64', 'fffe') : cidr.replace('.0/24', '.254');
    const six = cidr.includes(':') ? ['--ipv6'] : [];
    await docker('network', 'create', '--subnet', cidr, '--gateway', gateway, ...six, networkName(cidr));
  }
  for (const rule of routes(all, reached(cluster))) await iptables('-I', rule);
}

/** Removes the networks of a lab in which no host is left. */
export async function dropNetworks(cluster: Cluster): Promise<void> {
  const all = subnetsOf(cluster);
  for (const rule of routes(all, reached(cluster))) await iptables('-D', rule);
  for (const cidr of all) {
    const name = networkName(cidr);
    if (!(await exists(name))) continue;
    const left = (await docker('network', 'inspect', '-f', '{{len .Containers}}', name)).trim();
    if (left === '0') await docker('network', 'rm', name);
  }
}

/** The engine's own address in a network; published ports arrive from there. */
export const gatewayOf = async (cidr: string): Promise<string> =>
  (await docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', networkName(cidr))).trim();

/**
 * Rules that connect networks of the engine with each other, and with those elsewhere, by their own addresses. The
 * engine isolates its networks from each other (chain DOCKER-USER comes first) and translates the source address of
 * outgoing packets.
 */
function routes(
  cidrs: readonly string[],
  elsewhere: readonly string[],
): { table: string; chain: string; match: string[] }[] {
  const pairs = [
    ...cidrs.flatMap((from) => cidrs.filter((to) => to !== from).map((to) => ['-s', from, '-d', to])),
    ...elsewhere
      .filter((there) => !cidrs.includes(there))
      .flatMap((there) =>
        cidrs.flatMap((here) => [
          ['-s', here, '-d', there],
          ['-s', there, '-d', here],
        ]),
      ),
  ];
  return pairs.flatMap((match) => [
    { table: 'filter', chain: 'DOCKER-USER', match },
    { table: 'nat', chain: 'POSTROUTING', match },
  ]);
}

/**
 * Adds a rule of this machine before all others, or removes it. An existing rule is moved, because it may stand after
 * the engine's.
 */
async function iptables(action: '-I' | '-D', { table, chain, match }: ReturnType<typeof routes>[0]): Promise<void> {
  const rule = (what: string) => ['-w', '-t', table, what, chain, ...match, '-j', 'ACCEPT'];
  const there = await run('iptables', rule('-C')).then(
    () => true,
    () => false,
  );
  try {
    if (there) await run('iptables', rule('-D'));
    if (action === '-I') await run('iptables', rule('-I'));
  } catch (cause) {
    throw new LabError(
      `a lab of several networks needs routes between them, made with iptables as root: ${(cause as { stderr?: string }).stderr?.trim() ?? cause}`,
    );
  }
}
