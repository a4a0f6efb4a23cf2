import { said } from '../observe/answer.ts';
import type { Snapshot } from './snapshot.ts';

/** The span of time that a restore can reach; times in s since the epoch. */
export interface BackupWindow {
  from: number;
  fromLsn: string;
  until: number;
  /** What `until` is: the time of the newest archived WAL, or the end of the newest backup where no member tells that. */
  source: 'archive' | 'backup';
}

/**
 * Returns the span of time that a restore can reach: from the end of the oldest backup, when it is consistent, until the
 * newest WAL was archived. Each member tells what it has archived itself, so after a failover the newest of them counts.
 * A commit of the last moments may still wait in WAL that is not full. Undefined without a backup.
 */
export function windowOf({
  repository,
  observations,
}: Pick<Snapshot, 'repository' | 'observations'>): BackupWindow | undefined {
  const first = repository?.backups[0];
  if (!repository || !first) return undefined;
  const newest = Math.max(...repository.backups.map((one) => one.stop));
  const archived = [...observations.values()].flatMap(({ sql }) => {
    const time = said(sql)?.archiver.last_archived_time;
    return time ? [Math.floor(Date.parse(time) / 1000)] : [];
  });
  const last = Math.max(...archived, 0);
  return {
    ...{ from: first.stop, fromLsn: first.stopLsn },
    ...(last >= newest ? { until: last, source: 'archive' } : { until: newest, source: 'backup' }),
  };
}
