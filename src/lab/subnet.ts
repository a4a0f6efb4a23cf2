import type { Cluster } from '../inventory/model.ts';
import { canonical, isIPv6 } from '../inventory/network.ts';

/** The /24 (or /64) of an address; a lab has one network for each. */
export const subnetOf = (address: string): string =>
  isIPv6(address)
    ? `${canonical(address).split(':').slice(0, 4).join(':')}::/64`
    : `${address.split('.').slice(0, 3).join('.')}.0/24`;

/** All networks of a lab, in the inventory's order. */
export const subnetsOf = (cluster: Cluster): string[] => [
  ...new Set(cluster.hosts.map((host) => subnetOf(host.address))),
];
