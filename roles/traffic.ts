import { type Cluster, type Host, hostsWith } from '../src/inventory/model.ts';
import type { Rule } from '../src/steps/firewall.ts';

/** Returns rules that let the other hosts of a list use one TCP port of this host. */
export const fromHosts = (host: Host, hosts: readonly Host[], port: number, purpose: string): Rule[] =>
  hosts.filter((other) => other !== host).map((other) => ({ protocol: 'tcp', port, from: other.address, purpose }));

/** Returns rules that let networks use one TCP port. */
export const fromNetworks = (networks: readonly string[], port: number, purpose: string): Rule[] =>
  networks.map((from) => ({ protocol: 'tcp', port, from, purpose }));

/** Returns the networks and hosts that may use the client endpoints. */
export const clientSources = (cluster: Cluster): string[] => [
  ...new Set([...cluster.settings.clients, ...hostsWith(cluster, 'client').map((host) => host.address)]),
];
