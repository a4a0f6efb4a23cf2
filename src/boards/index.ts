import type { Board } from './board.ts';
import { backups } from './content/backups.ts';
import { balancers } from './content/balancers.ts';
import { cluster } from './content/cluster.ts';
import { clusters } from './content/clusters.ts';
import { dcs } from './content/dcs.ts';
import { host } from './content/host.ts';
import { instance } from './content/instance.ts';
import { replication } from './content/replication.ts';
import { wal } from './content/wal.ts';
import { dashboardOf } from './grafana.ts';
import { boardsProvider, dataSource, type PrometheusAddress } from './provisioning.ts';

export { type BoardQuery, concrete, queriesOf } from './board.ts';

/** All boards, from the widest view to the closest. */
export const BOARDS: readonly Board[] = [clusters, cluster, instance, replication, wal, backups, dcs, balancers, host];

/**
 * Returns the files of a directory for Grafana, by their path in it. `seenAt` is the directory as Grafana sees it,
 * `prometheus` where its data come from.
 */
export const boardFiles = (seenAt: string, prometheus: PrometheusAddress): Map<string, string> =>
  new Map([
    ...BOARDS.map(
      (board) => [`dashboards/${board.uid}.json`, `${JSON.stringify(dashboardOf(board), null, 2)}\n`] as const,
    ),
    ['provisioning/dashboards/hapg.yaml', boardsProvider(`${seenAt.replace(/\/$/, '')}/dashboards`)],
    ['provisioning/datasources/hapg.yaml', dataSource(prometheus)],
  ]);
