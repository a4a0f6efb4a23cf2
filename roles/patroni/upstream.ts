import { fromHere } from '../../src/from-here.ts';
import { hostsWith } from '../../src/inventory/model.ts';
import { standbySlot } from '../../src/inventory/standby.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { replicationLogin } from '../../src/steps/replication-login.ts';
import type { Step } from '../../src/steps/step.ts';
import { REPLICATION_USER } from './hba.ts';

/**
 * Step before a standby cluster is begun: its upstream lets this host in. Later the standby cluster must not depend on
 * its upstream, which may be lost.
 */
export function patroniUpstream({ cluster, secrets }: Context): Step[] {
  const main = cluster.upstream;
  if (!main) return [];
  return [
    replicationLogin('patroni', main.name, {
      hosts: hostsWith(main, 'patroni').map((host) => host.address),
      port: main.settings.postgres.port,
      binDir: cluster.binDir,
      user: REPLICATION_USER,
      password: secrets.password('replication'),
      authority: `${PKI.patroni}/postgres-ca.crt`,
      slot: standbySlot(cluster.name),
      cure: `Has ${fromHere(main.file)} been applied since standbys: names ${cluster.name}?`,
    }),
  ];
}
