import { destroy } from '../../playbooks/destroy.ts';
import { pauseWords } from '../decisions/holds.ts';
import { noBackupRunning } from '../decisions/update.ts';
import { all, verdict } from '../decisions/verdict.ts';
import { fromHere } from '../from-here.ts';
import { type Cluster, hostsWith } from '../inventory/model.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';
import { repositoryPlace } from './backup.ts';
import { forgetOrder } from './restore-order.ts';

/** The flags of `hapg destroy`. */
export interface DestroyOptions extends OperateOptions {
  confirm?: string;
  backups: boolean;
}

/** Describes what the end of a cluster takes away, and what it leaves. */
export function describeEnd(cluster: Cluster, { stamp, backups }: { stamp: string; backups: boolean }): string {
  const members = hostsWith(cluster, 'patroni');
  const names = members.map((host) => host.name).join(', ');
  const kept = members.map(({ name, dataDir }) => ({ name, path: `${dataDir}.destroyed-${stamp}` }));
  const isOnePath = new Set(kept.map(({ path }) => path)).size === 1;
  const aside = isOnePath ? kept[0]!.path : kept.map(({ name, path }) => `${name}: ${path}`).join(', ');
  const places = cluster.repositories.map((one) => repositoryPlace(cluster, one));
  return [
    `the cluster ${cluster.name} ends: its services are stopped and disabled on all hosts, and nobody can read or write`,
    `  the data on ${names} is set aside as ${aside}, or stays in place where it is a mount point; delete it yourself`,
    cluster.repositories.length === 0 || cluster.upstream
      ? `  there are no backups of its own${cluster.upstream ? `; those of ${cluster.upstream.name} stay` : ''}`
      : backups
        ? `  ! all backups of ${cluster.stanza} are DELETED from ${places.join(', and from ')}`
        : `  its backups stay, and so does ${fromHere(cluster.stateDir)} with their passphrase`,
  ].join('\n');
}

/** `hapg destroy`: ends the cluster. Its data is moved aside; its backups stay unless --backups is given. */
export function destroyCommand(options: DestroyOptions): Promise<number> {
  return operate(
    'destroy',
    { ...options, typed: options.confirm, asItIs: true, emergency: true },
    async (op, snapshot) => {
      const { cluster } = op;
      const paused = snapshot.paused
        ? [`${pauseWords(snapshot)}, and Patroni would leave PostgreSQL running: "hapg resume" first`]
        : [];
      refuseUnless(all(verdict(paused, 'paused'), noBackupRunning(snapshot)));
      const stamp = new Date().toISOString().replaceAll(/[-:]|\..*/g, '');
      return {
        explain: describeEnd(cluster, { stamp, backups: options.backups }),
        question: `Destroy ${cluster.name}${options.backups ? ' and its backups' : ''}?`,
        typed: cluster.name,
        hosts: cluster.hosts,
        ends: true,
        run: async () => {
          await destroy(op, { stamp, backups: options.backups });
          // An interrupted restore cannot continue after this.
          forgetOrder(cluster);
        },
      };
    },
  );
}
