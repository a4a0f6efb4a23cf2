import type { Cluster, Host } from '../src/inventory/model.ts';
import type { Context } from '../src/playbook.ts';
import { ROLE_NAMES, type RoleName } from '../src/roles.ts';
import type { Rule } from '../src/steps/firewall.ts';
import { type PackageWant, packages } from '../src/steps/package.ts';
import type { Step } from '../src/steps/step.ts';
import { clientRole } from './client/role.ts';
import { etcdRole } from './etcd/role.ts';
import { exportersRole } from './exporters/role.ts';
import { haproxyRole } from './haproxy/role.ts';
import { hardeningRole } from './hardening/role.ts';
import { keepalivedRole } from './keepalived/role.ts';
import { monitoringRole } from './monitoring/role.ts';
import { patroniRole } from './patroni/role.ts';
import { pgbackrestRole } from './pgbackrest/role.ts';
import { pgbouncerRole } from './pgbouncer/role.ts';
import type { Role } from './role.ts';
import { tuningRole } from './tuning/role.ts';
import { zookeeperRole } from './zookeeper/role.ts';

/** All roles by name. */
const ROLE_PARTS: Readonly<Record<RoleName, Role>> = {
  hardening: hardeningRole,
  // Its rules are the traffic of all roles, so its steps have a stage of their own.
  ufw: { packages: () => ['ufw'] },
  tuning: tuningRole,
  etcd: etcdRole,
  zookeeper: zookeeperRole,
  pgbackrest: pgbackrestRole,
  patroni: patroniRole,
  pgbouncer: pgbouncerRole,
  haproxy: haproxyRole,
  keepalived: keepalivedRole,
  client: clientRole,
  exporters: exportersRole,
  monitoring: monitoringRole,
};

const rolesOf = (host: Host): RoleName[] => ROLE_NAMES.filter((role) => host.roles.has(role));

/** Returns the steps of a host's roles for one part of the setup, in the order of the roles. */
export const stepsOfRoles = (part: 'prepare' | 'services' | 'certificates', host: Host, context: Context): Step[] =>
  rolesOf(host).flatMap((role) => ROLE_PARTS[role][part]?.(host, context) ?? []);

/** Returns the packages that each role of a host needs. */
export const packageWants = (host: Host, context: Context): (PackageWant & { role: RoleName })[] =>
  rolesOf(host).flatMap((role) => {
    const { packages: names, minimum = {} } = ROLE_PARTS[role];
    return names ? [{ role, names: [...names(host, context)], minimum }] : [];
  });

/** Returns one package step for each role, so that --tags works; the first one with work installs for all. */
export const packagesOfRoles = (host: Host, context: Context): Step[] =>
  packageWants(host, context).map(({ role, names, minimum }) => packages(role, names, minimum));

/**
 * Returns all firewall rules of a host, computed from the model: who may connect, to which port, and why. A test checks
 * the documentation's table of traffic against this function. `sshPorts` are the ports of its sshd.
 */
export function rulesFor(host: Host, cluster: Cluster, sshPorts: readonly number[]): Rule[] {
  const sources = cluster.firewall.sshFrom.length > 0 ? cluster.firewall.sshFrom : [undefined];
  return [
    ...sshPorts.flatMap((port) => sources.map((from): Rule => ({ protocol: 'tcp', port, from, purpose: 'ssh' }))),
    ...rolesOf(host).flatMap((role) => ROLE_PARTS[role].traffic?.(host, cluster) ?? []),
  ];
}
