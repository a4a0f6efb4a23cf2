import ipaddr from 'ipaddr.js';
import { splitCidr } from './network.ts';

/** A host of a generated inventory. */
export interface GeneratedHost {
  name: string;
  address: string;
  roles: string[];
  datacenter?: string;
  /** How the controller reaches it, when not by its address and port 22. */
  ssh?: { user?: string; host?: string; port?: number };
  outside?: { host: string; port: number };
}

/**
 * Returns how many of `databases` database hosts vote in the DCS: half of them plus one, made odd. An even number of
 * voters survives no more losses than the odd number below it (etcd FAQ, "Why an odd number of cluster members?").
 */
export function voters(databases: number): number {
  const majority = Math.floor(databases / 2) + 1;
  const odd = majority % 2 === 1 ? majority : majority + 1;
  return odd <= databases ? odd : databases % 2 === 1 ? databases : Math.max(1, databases - 1);
}

/** Returns the address of a host in a network, counted from the network's tenth. Throws for a network too small for it. */
function addressIn(cidr: string, index: number): string {
  const { address } = splitCidr(cidr);
  const bytes = ipaddr.parse(address).toByteArray();
  bytes[bytes.length - 1]! += 10 + index;
  const made = ipaddr.fromByteArray(bytes).toString();
  const [network, prefix] = ipaddr.parseCIDR(cidr);
  if (bytes.at(-1)! > 254 || !ipaddr.parse(made).match(network, prefix))
    throw new Error(`the network ${cidr} has no room for host ${index + 1}`);
  return made;
}

/** The address on which a lab publishes its hosts, with the ports of the first one's sshd and PostgreSQL. */
const LAB = '127.0.0.1';
const LAB_SSH = 3021;
const LAB_POSTGRES = 5021;

/**
 * Returns database hosts in several data centers, `nodes` in each of `networks`; the voters are spread as evenly as
 * possible. Names are `PREFIX-a1`, `PREFIX-a2`, `PREFIX-b1`, ...
 */
export function spread(prefix: string, networks: readonly string[], nodes: number, lab: boolean): GeneratedHost[] {
  const count = voters(networks.length * nodes);
  return networks.flatMap((network, center) =>
    Array.from({ length: nodes }, (_, node): GeneratedHost => {
      const datacenter = String.fromCharCode(97 + center);
      const port = center * nodes + node;
      return {
        name: `${prefix}-${datacenter}${node + 1}`,
        address: addressIn(network, node),
        roles: node * networks.length + center < count ? ['etcd', 'patroni'] : ['patroni'],
        datacenter,
        ...(lab ? { ssh: { host: LAB, port: LAB_SSH + port }, outside: { host: LAB, port: LAB_POSTGRES + port } } : {}),
      };
    }),
  );
}

/** Returns a lab's host for backups and the client: the last of the first network's first twenty addresses. */
export const labBackupHost = (network: string, hosts: readonly GeneratedHost[]): GeneratedHost => ({
  name: 'backup',
  address: addressIn(network, 19),
  roles: ['pgbackrest', 'client'],
  ssh: { host: LAB, port: LAB_SSH + hosts.length },
});
