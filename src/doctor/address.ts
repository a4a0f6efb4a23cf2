import ipaddr from 'ipaddr.js';
import type { Host } from '../inventory/model.ts';
import { canonical } from '../inventory/network.ts';
import { type Check, type Finding, failure, ok, warning } from './check.ts';

const name = 'address';

interface Machine {
  /** Tells machines apart: the boot, and the network namespace for containers of one kernel. */
  id: string;
  /** Address and interface of each address. */
  addresses: { address: string; link: string }[];
  /** MTU by interface (bytes). */
  mtus: Map<string, number>;
}

function read(answer: string): Machine {
  const lines = answer.split('\n');
  const id = lines
    .filter((line) => line.startsWith('id '))
    .map((line) => line.slice(3).trim())
    .join(' ');
  // ip(8), "-o": number, name, family, address/prefix.
  const addresses = lines.flatMap((line) => {
    const [, link, address] = /^\d+: ([^\s@]+)\S*\s+inet6? ([^\s/]+)/.exec(line) ?? [];
    return link && address && ipaddr.isValid(address) ? [{ link, address: canonical(address) }] : [];
  });
  const mtus = lines.flatMap((line): [string, number][] => {
    const [, link, mtu] = /^mtu (\S+) (\d+)$/.exec(line) ?? [];
    return link ? [[link, Number(mtu)]] : [];
  });
  return { id, addresses, mtus: new Map(mtus) };
}

/** The interface that has the host's address. */
const linkOf = (host: Host, { addresses }: Machine): string | undefined =>
  addresses.find(({ address }) => address === canonical(host.address))?.link;

const isLocal = (address: string): boolean => /^(127\.|::1$|fe80:)/i.test(address);

/** Each host has its address, no two names lead to one machine, and the links of the cluster's network carry packets of one size. */
export const addressCheck: Check = {
  name,
  script: () => `ip -o addr show 2>/dev/null
for l in /sys/class/net/*; do { read -r mtu < "$l/mtu"; } 2>/dev/null && echo "mtu \${l##*/} $mtu"; done
{ read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null && echo "id $boot"
echo "id $(readlink /proc/self/ns/net)"`,
  judge(answers) {
    const machines = new Map([...answers].map(([host, answer]) => [host, read(answer)]));
    const mtuOf = (host: Host): number | undefined => {
      const its = machines.get(host)!;
      return its.mtus.get(linkOf(host, its) ?? '');
    };
    const known = [...machines.keys()].flatMap((host) => mtuOf(host) ?? []);
    const usual = known.toSorted(
      (a, b) => known.filter((n) => n === b).length - known.filter((n) => n === a).length,
    )[0];
    return [...machines].map(([host, its]): Finding => {
      const row = { check: name, host: host.name };
      const twin = [...machines].find(([other, { id }]) => other !== host && id !== '' && id === its.id)?.[0];
      if (twin)
        return {
          ...row,
          ...failure(
            `it is the same machine as ${twin.name}`,
            `correct hosts.${host.name}.ssh or its address: each name needs a machine of its own`,
          ),
        };
      const link = linkOf(host, its);
      if (its.addresses.length === 0)
        return {
          ...row,
          ...warning(
            'its addresses cannot be read',
            'install iproute2 (the program ip), which Debian and Ubuntu have by default',
          ),
        };
      if (link === undefined)
        return {
          ...row,
          ...failure(
            `${host.address} is not an address of this machine, which has ${
              its.addresses
                .filter(({ address }) => !isLocal(address))
                .map((one) => `${one.address} (${one.link})`)
                .join(', ') || 'none'
            }`,
            `write the address that the machine itself has in the cluster's network under hosts.${host.name}.address, and the way in for hapg under hosts.${host.name}.ssh.host`,
          ),
        };
      const mtu = mtuOf(host);
      if (mtu !== undefined && usual !== undefined && mtu !== usual)
        return {
          ...row,
          ...warning(
            `${link} has an MTU of ${mtu}, and most other hosts have ${usual}`,
            'give all links of one network the same MTU',
          ),
        };
      return { ...row, ...ok(`${host.address} on ${link}${mtu === undefined ? '' : `, MTU ${mtu}`}`) };
    });
  },
};
