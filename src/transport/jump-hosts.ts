import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import { LOOKUP_MS } from '../bounds/hosts.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { KnownHosts } from './known-hosts.ts';
import type { SshTarget } from './target.ts';

/** The jump hosts of the inventory by name, each with the hosts behind it: one list for each distinct chain. */
export type JumpHosts = ReadonlyMap<string, readonly (readonly Host[])[]>;

/** Resolves a name to addresses; none where it has none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** The controller's own resolver. A name that only a jump host can resolve has no address. */
export const systemLookup: Lookup = async (name) => {
  const answer = lookup(name, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );
  return Promise.race([answer, sleep(LOOKUP_MS, [], { ref: false })]);
};

/** The canonical form of a name or an address. */
const normal = (host: string): string =>
  ipaddr.isValid(host) ? ipaddr.process(host).toString() : host.toLowerCase().replace(/\.$/, '');

/**
 * Finds the hosts of the inventory that are jump hosts for others, by whatever spelling: name, address, user@address,
 * in a chain, on the command line, or in ~/.ssh/config. `targetOf` resolves how a host is reached.
 *
 * A jump is a host of the inventory when it has its cluster address, or its SSH endpoint (address and port; names are
 * looked up), or a host key that is known for it, or when its name cannot be looked up and begins with the host's. A
 * false match keeps forwarding enabled, which locks nobody out. A jump host outside the inventory is not managed.
 */
export async function findJumpHosts(
  cluster: Cluster,
  targetOf: (host: Host) => Promise<SshTarget>,
  find: Lookup = systemLookup,
): Promise<JumpHosts> {
  const reached = await Promise.all(cluster.hosts.map(async (host) => ({ host, target: await targetOf(host) })));
  if (reached.every(({ target }) => target.jumps.length === 0)) return new Map();
  const addressesOf = remembered(async (name) =>
    ipaddr.isValid(name) ? [normal(name)] : [normal(name), ...(await find(normal(name))).map(normal)],
  );
  const keysOf = knownKeys();
  const machines = await Promise.all(
    reached.map(async ({ host, target }) => ({
      host,
      port: target.port,
      own: normal(host.address),
      wayIn: await addressesOf(target.host),
      keys: keysOf(target),
    })),
  );
  const jumps = new Map(reached.flatMap(({ target }) => target.jumps.map((jump) => [placeOf(jump), jump] as const)));
  const whichOf = remembered(async (place: string): Promise<Host[]> => {
    const jump = jumps.get(place)!;
    const addresses = await addressesOf(jump.host);
    const keys = keysOf(jump);
    const isResolved = ipaddr.isValid(jump.host) || addresses.length > 1;
    return machines
      .filter(
        ({ host, port, own, wayIn, keys: its }) =>
          addresses.includes(own) ||
          (port === jump.port && addresses.some((address) => wayIn.includes(address))) ||
          keys.some((key) => its.includes(key)) ||
          (!isResolved && normal(jump.host).split('.')[0] === host.name),
      )
      .map(({ host }) => host);
  });
  const ways = new Map<string, Map<string, Host[]>>();
  for (const { host, target } of reached) {
    const chain = target.jumps.map((jump) => `${jump.user}@${placeOf(jump)}`).join();
    for (const jump of target.jumps)
      for (const way of await whichOf(placeOf(jump))) {
        const chains = ways.get(way.name) ?? new Map<string, Host[]>();
        ways.set(way.name, chains);
        const behind = chains.get(chain) ?? [];
        // Its own login uses the same chain and is proved anyway.
        if (host !== way && !behind.includes(host)) behind.push(host);
        if (behind.length > 0) chains.set(chain, behind);
      }
  }
  return new Map([...ways].map(([name, chains]) => [name, [...chains.values()]]));
}

const placeOf = ({ host, port }: SshTarget): string => `${normal(host)}:${port}`;

/** Asks once for each argument. */
function remembered<T>(ask: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (name) => {
    if (!answers.has(name)) answers.set(name, ask(name));
    return answers.get(name)!;
  };
}

/** Reads each set of known_hosts files once. */
function knownKeys(): (target: SshTarget) => readonly string[] {
  const read = new Map<string, KnownHosts>();
  return ({ known: { host, port }, knownHosts }) => {
    const files = knownHosts.join('\n');
    const its = read.get(files) ?? KnownHosts.read(knownHosts);
    read.set(files, its);
    return its.keys(host, port);
  };
}
