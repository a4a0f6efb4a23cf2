import type { Host } from '../inventory/model.ts';
import { type Finding, failure, ok, warning } from './check.ts';
import type { Call } from './reach-script.ts';
import type { Way } from './ways.ts';

/** What became of a connection; `end` is undefined where the caller did not say. */
export interface Tried {
  way: Way;
  end: string | undefined;
}

const name = 'connections';

/** Returns the call for a way: a listener of this run greets, services only accept. Undefined: it cannot be tried now. */
export function callFor(
  { to, address, protocol, port }: Way,
  listens: (host: Host) => ReadonlySet<number>,
): Call | undefined {
  if (protocol === 'vrrp') return to && listens(to).has(0) ? { address, port: 0, kind: 'vrrp' } : undefined;
  return { address, port, kind: to && listens(to).has(port) ? 'greeted' : 'open' };
}

const list = (words: readonly string[]): string => [...new Set(words)].join(', ');

/** Words for the end of a connection. */
const WORDS: Record<string, string> = {
  refused: 'is refused',
  silent: 'gets no answer',
  stalled: 'passes small packets and loses large ones',
  stranger: 'is answered by another machine or program',
  other: 'is answered by another run of hapg that examines the hosts too',
};

export interface WaysContext {
  /** Whether the host's own firewall closes a way now, and an apply opens it. */
  opens(way: Way): boolean;
  /** Whether services of the cluster run on a host already; what listens there is theirs. */
  lives(host: Host): boolean;
}

/** Judges connections, one row for each port and end of a host. */
export function judgeWays(tried: readonly Tried[], { opens, lives }: WaysContext): Finding[] {
  const groups = new Map<string, Tried[]>();
  for (const one of tried) {
    const { way, end } = one;
    if (end === 'ok') continue;
    const key = [way.address, way.protocol, way.port, end].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const bad = [...groups.values()].map((group): Finding => {
    const { way, end } = group[0]!;
    const from = list(group.map((one) => one.way.from.name));
    const addresses = list(group.map((one) => one.way.from.address));
    const what = way.protocol === 'vrrp' ? 'protocol 112 (VRRP)' : `TCP ${way.port}`;
    const row = { check: name, host: way.to?.name ?? '' };
    const seen = `${way.address} ${what} (${list(group.map((one) => one.way.purpose))}) from ${from} ${
      end === undefined ? 'was not tried' : (WORDS[end] ?? `fails: ${end.replace(/^error /, '')}`)
    }`;
    const closed = end === 'silent' || end === 'refused';
    if (way.to && closed && group.every((one) => opens(one.way)))
      return { ...row, ...ok(`${seen}; the firewall of ${way.to.name} closes it, and an apply opens it`) };
    if (way.to && end === 'refused' && lives(way.to))
      return { ...row, ...warning(seen, `nothing listens there: "hapg status" says what does not run`) };
    if (end === undefined || end === 'other') return { ...row, ...warning(seen, 'run "hapg doctor" again') };
    // One of several endpoints is enough for Patroni and libpq.
    const isServed = ({ way: { from, purpose } }: Tried) =>
      tried.some((other) => other.end === 'ok' && other.way.from === from && other.way.purpose === purpose);
    if (!way.to && group.every(isServed)) return { ...row, ...warning(seen, 'another endpoint of it answers') };
    const cures: Record<string, string> = {
      stalled:
        'the network carries smaller packets than the links say: lower the MTU of the links, or let ICMP "fragmentation needed" through',
      stranger: `find out who has ${way.address} beside ${way.to?.name ?? 'the service'} ("ip neigh" shows the hardware address)`,
    };
    const cure =
      cures[end] ??
      (way.to
        ? `let ${what} to ${way.address} through from ${addresses}: security groups, network policies, firewalls between them and on ${way.to.name}`
        : `check the address and port, and let ${addresses} reach it`);
    return { ...row, ...failure(seen, cure) };
  });
  const good = tried.filter(({ end }) => end === 'ok').length;
  return [...(good > 0 ? [{ check: name, host: '', ...ok(`${good} of ${tried.length} work`) }] : []), ...bad];
}
