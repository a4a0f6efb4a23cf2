import type { Context } from '../../src/engine/playbook.ts';
import {
  type Cluster,
  type Host,
  hostsWith,
  hostsWithAny,
  memberPort,
  repositoryHost,
} from '../../src/inventory/model.ts';
import { firewall, type Rule } from '../../src/steps/firewall.ts';
import type { Step } from '../../src/steps/step.ts';
import { isWay } from '../hardening/way.ts';

/** The networks and hosts that may use the client endpoints. */
const clientSources = (cluster: Cluster): string[] => [
  ...new Set([...cluster.settings.clients, ...hostsWith(cluster, 'client').map((host) => host.address)]),
];

/**
 * Who may talk to a host, on which port, and why: the whole firewall, computed from the model. The README's table of
 * traffic is checked against this function.
 */
export function rulesFor(host: Host, cluster: Cluster, sshPorts: readonly number[]): Rule[] {
  const { settings } = cluster;
  const has = (role: Parameters<typeof host.roles.has>[0]) => host.roles.has(role);
  const from = (hosts: readonly Host[], port: number, purpose: string): Rule[] =>
    hosts.filter((other) => other !== host).map((other) => ({ protocol: 'tcp', port, from: other.address, purpose }));
  const databases = hostsWith(cluster, 'patroni');
  const balancers = hostsWith(cluster, 'haproxy');
  const repository = repositoryHost(cluster);
  const rules: Rule[] = [];
  for (const port of sshPorts)
    for (const source of cluster.firewall.sshFrom.length > 0 ? cluster.firewall.sshFrom : [undefined])
      rules.push({ protocol: 'tcp', port, from: source, purpose: 'ssh' });
  if (has('etcd')) {
    rules.push(...from(hostsWithAny(cluster, 'etcd', 'patroni'), settings.etcd.client_port, 'etcd clients'));
    rules.push(...from(hostsWith(cluster, 'etcd'), settings.etcd.peer_port, 'etcd peers'));
  }
  if (has('zookeeper')) {
    const peers = hostsWith(cluster, 'zookeeper');
    rules.push(
      ...from(hostsWithAny(cluster, 'zookeeper', 'patroni'), settings.zookeeper.client_port, 'zookeeper clients'),
    );
    rules.push(...from(peers, settings.zookeeper.peer_port, 'zookeeper peers'));
    rules.push(...from(peers, settings.zookeeper.election_port, 'zookeeper election'));
  }
  if (has('patroni')) {
    rules.push(...from(hostsWithAny(cluster, 'patroni', 'haproxy'), settings.postgres.port, 'postgresql'));
    rules.push(...from(hostsWithAny(cluster, 'patroni', 'haproxy'), settings.patroni.port, 'patroni rest'));
    for (const source of new Set(Object.values(settings.standbys).flat()))
      rules.push({ protocol: 'tcp', port: settings.postgres.port, from: source, purpose: 'standby clusters' });
    const port = memberPort(cluster);
    if (has('pgbouncer')) rules.push(...from(balancers, port, 'pgbouncer'));
    if (balancers.length === 0)
      for (const source of clientSources(cluster))
        rules.push({ protocol: 'tcp', port, from: source, purpose: 'clients' });
    if (repository) rules.push(...from([repository], settings.pgbackrest.port, 'pgbackrest'));
  }
  if (has('pgbackrest')) rules.push(...from(databases, settings.pgbackrest.port, 'pgbackrest'));
  if (has('haproxy'))
    for (const [name, port] of Object.entries(settings.haproxy.ports))
      for (const source of clientSources(cluster))
        rules.push({ protocol: 'tcp', port, from: source, purpose: `haproxy ${name}` });
  if (has('keepalived'))
    for (const peer of hostsWith(cluster, 'keepalived'))
      if (peer !== host) rules.push({ protocol: 'vrrp', port: undefined, from: peer.address, purpose: 'vrrp' });
  return rules;
}

/** The networks that may log in, and the hosts through which one comes from them. Empty: from anywhere. */
function sshSources(host: Host, context: Context): string[] {
  const { hosts, firewall: its } = context.cluster;
  const { sshFrom } = its;
  const through = hosts.filter((other) => other !== host && isWay(other, context));
  return sshFrom.length === 0 ? [] : [...sshFrom, ...through.map((other) => other.address)];
}

export function ufw(host: Host, context: Context): Step[] {
  const { cluster } = context;
  const { sshPorts, forwards } = context.facts(host);
  const open = { ...cluster, firewall: { ...cluster.firewall, sshFrom: sshSources(host, context) } };
  return [firewall('ufw', rulesFor(host, open, sshPorts), cluster.firewall.exclusive, forwards)];
}
