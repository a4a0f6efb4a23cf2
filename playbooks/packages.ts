import { stepsOf } from '../src/engine/plan.ts';
import type { Cluster, Host } from '../src/inventory/model.ts';
import { parseFacts } from '../src/observe/host.ts';
import type { Context } from '../src/playbook.ts';
import { ROLE_NAMES } from '../src/roles.ts';
import type { PackageWant } from '../src/steps/package.ts';
import { install } from './apply.ts';

/** Facts of a lab's host, by what it is. */
const FACTS = {
  container: parseFacts('id=debian\ncodename=trixie\ncpus=1\nmemory=1048576\nvirt=docker'),
  'virtual machine': parseFacts('id=debian\ncodename=trixie\ncpus=1\nmemory=1048576\nvirt=kvm'),
};

/**
 * The packages that all roles together install on a lab's host, for either DCS, sorted. PostgreSQL is of the
 * inventory's major version. Packages that the inventory adds by name (`postgres.packages`, extensions) are not
 * included.
 */
export function packagesOfAllRoles(cluster: Cluster, machine: keyof typeof FACTS): string[] {
  const { settings, hosts } = cluster;
  const host: Host = { ...hosts[0]!, roles: new Set(ROLE_NAMES) };
  const names = (['etcd', 'zookeeper'] as const).flatMap((kind) => {
    const plain: Cluster = {
      ...cluster,
      hosts: [host],
      extensions: [],
      dcs: { ...cluster.dcs, kind },
      settings: { ...settings, postgres: { ...settings.postgres, packages: [] } },
    };
    // The packages depend on the model and the facts only, on no secret and no running cluster.
    const context = { cluster: plain, facts: () => FACTS[machine] } as unknown as Context;
    return stepsOf(install, host, context, { hosts: [host], roles: new Set(ROLE_NAMES) }).flatMap(
      (one) => (one.want as PackageWant).names,
    );
  });
  return [...new Set(names)].sort();
}
