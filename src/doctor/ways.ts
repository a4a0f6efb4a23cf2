import { backupHosts, type Cluster, type Host, hostsWith } from '../inventory/model.ts';
import { kindOf } from '../inventory/repositories/kinds.ts';
import type { Rule } from '../steps/firewall.ts';

/** A connection that the cluster needs. */
export interface Way {
  from: Host;
  /** The host of this cluster that listens; undefined: somebody else's service, which must be there already. */
  to: Host | undefined;
  address: string;
  protocol: 'tcp' | 'vrrp';
  /** The port; 0 for VRRP. */
  port: number;
  purpose: string;
}

/** Splits `HOST:PORT`, where an IPv6 address has brackets. */
function endpoint(text: string): { address: string; port: number } {
  const at = text.lastIndexOf(':');
  return { address: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

/**
 * Returns the connections that a cluster needs: between its hosts as the firewall's rules have them, and to services
 * outside. Clients are not its hosts, so their networks are left out. `rulesOf` gives the firewall rules of a host.
 */
export function waysOf(cluster: Cluster, rulesOf: (host: Host) => readonly Rule[]): Way[] {
  const byAddress = new Map(cluster.hosts.map((host) => [host.address, host]));
  const inside = cluster.hosts.flatMap((to) =>
    rulesOf(to).flatMap((rule): Way[] => {
      const from = rule.from === undefined ? undefined : byAddress.get(rule.from);
      if (!from || from === to || rule.protocol === 'udp') return [];
      const { protocol, port = 0, purpose } = rule;
      return [{ from, to, address: to.address, protocol, port, purpose }];
    }),
  );
  return [...inside, ...outside(cluster)];
}

/** The connections to an external DCS, to repositories outside, and to the cluster that a standby cluster follows. */
function outside(cluster: Cluster): Way[] {
  const members = hostsWith(cluster, 'patroni');
  const each = (hosts: readonly Host[], address: string, port: number, purpose: string): Way[] =>
    hosts.map((from) => ({ from, to: undefined, address, protocol: 'tcp', port, purpose }));
  const { upstream, dcs } = cluster;
  return [
    ...(dcs.external?.external ?? []).flatMap((one) => {
      const { address, port } = endpoint(one);
      return each(members, address, port, dcs.label);
    }),
    ...cluster.repositories.flatMap((one) => {
      const service = kindOf(one).service?.(one);
      return service ? each(backupHosts(cluster), service.address, service.port, `repository ${one.key}`) : [];
    }),
    ...(upstream
      ? hostsWith(upstream, 'patroni').flatMap(({ address }) =>
          each(members, address, upstream.settings.postgres.port, `cluster ${upstream.name}`),
        )
      : []),
  ];
}
