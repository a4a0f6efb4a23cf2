import ipaddr from 'ipaddr.js';

/** Splits `10.1.1.100/24` into address and prefix length. */
export function splitCidr(cidr: string): { address: string; prefix: number } {
  const [ip, prefix] = ipaddr.parseCIDR(cidr);
  return { address: ip.toString(), prefix };
}

/** Whether an address lies in a network; false for different families. */
export function contains(cidr: string, address: string): boolean {
  const [network, prefix] = ipaddr.parseCIDR(cidr);
  const ip = ipaddr.parse(address);
  if (ip.kind() !== network.kind()) return false;
  return ip.kind() === 'ipv4'
    ? (ip as ipaddr.IPv4).match(network as ipaddr.IPv4, prefix)
    : (ip as ipaddr.IPv6).match(network as ipaddr.IPv6, prefix);
}

/** Returns the canonical form of an address, so that `::1` and `0:0:0:0:0:0:0:1` compare equal. */
export const canonical = (address: string): string => ipaddr.parse(address).toString();

export const isIPv6 = (address: string): boolean => address.includes(':');

/** Formats address and port: `10.0.0.1:2379` or `[fd00::1]:2379`. */
export const hostPort = (address: string, port: number): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;

/** Returns the network of a single address, as pg_hba.conf and ufw write it. */
export const single = (address: string): string => `${address}/${isIPv6(address) ? 128 : 32}`;
