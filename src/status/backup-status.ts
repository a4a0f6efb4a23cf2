import { ARCHIVE_LIMIT_S, BACKUP_DELAY_S } from '../bounds/health.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { backupUnit, scheduledTypes } from '../inventory/backup-schedule.ts';
import { backupHosts, type Cluster } from '../inventory/model.ts';
import { said, silence } from '../observe/answer.ts';
import { bytes, isoSeconds } from '../units.ts';

/** Records one problem of the cluster. */
export type Report = (code: string, host: string, message: string) => void;

/** The part of `hapg status -o json` about backups; its keys are part of the outside contract. */
export interface BackupStatus {
  stanza: string;
  last: string | null;
  type: string | null;
  archive_ok: boolean;
  /** WAL segments that wait to be archived. */
  archive_waiting: number;
  repositories: { key: number; kind: string; ok: boolean; free_bytes: number | null }[];
  drill: {
    host: string;
    ok: boolean;
    finished: string;
    backup: string;
    newest_transaction: string | null;
    duration_s: number;
  } | null;
}

/** The least free share of a repository, whatever the next backup needs. */
const SPACE_SHARE = 0.05;

/** Returns the part of `status` about backups and archiving; null when no host that knows about them has answered. Pure. */
export function backupStatus(cluster: Cluster, snapshot: Snapshot, problem: Report): BackupStatus | null {
  const hosts = backupHosts(cluster).filter((host) => snapshot.observations.has(host.name));
  if (hosts.length === 0) return null;
  const { repository } = snapshot;
  const last = repository?.backups.at(-1);
  const teller = repository?.host ?? hosts[0]!.name;
  const tellers = snapshot.observations.get(teller);
  if (!repository && silence(tellers?.repository) === undefined)
    problem('backup', teller, `pgBackRest on ${teller} does not answer`);
  const repositories = cluster.repositories.map((one) => {
    const seen = repository?.repositories.find((other) => other.key === one.key);
    if (repository && seen?.status !== 0)
      problem(
        'backup',
        teller,
        `stanza ${cluster.stanza}${cluster.repositories.length > 1 ? `, repository ${one.key}` : ''}: ${seen?.message ?? repository.message}`,
      );
    const space = said(tellers?.space)?.find((other) => other.path === one.path);
    const newest = repository?.backups.filter((other) => other.repository === one.key && other.type === 'full').at(-1);
    if (space && space.freeBytes < Math.max(space.sizeBytes * SPACE_SHARE, (newest?.storedBytes ?? 0) * 1.2))
      problem(
        'backup_space',
        teller,
        `${bytes(space.freeBytes)} are free in ${one.path}${newest ? `, and the last full backup took ${bytes(newest.storedBytes)}` : ''}`,
      );
    return { key: one.key, kind: one.kind, ok: seen?.status === 0, free_bytes: space?.freeBytes ?? null };
  });
  for (const host of hosts) scheduleProblems(cluster, host.name, snapshot, problem);
  const archive = archiveView(snapshot, problem);
  return {
    stanza: cluster.stanza,
    last: last ? isoSeconds(last.stop) : null,
    type: last?.type ?? null,
    ...archive,
    repositories,
    drill: drillView(snapshot, problem),
  };
}

/** Reports a timer that is off, or one that fired without a backup. */
function scheduleProblems(
  cluster: Cluster,
  host: string,
  { observations, repository }: Snapshot,
  problem: Report,
): void {
  const seen = observations.get(host);
  const service = said(seen?.schedule);
  if (!service || seen?.holder) return;
  for (const timer of service.idle)
    problem('backup_timer', host, `${timer} on ${host} is not active; run "hapg apply"`);
  if (!repository || repository.running || repository.host !== host || service.triggered === undefined) return;
  for (const { key } of repository.repositories) {
    const last = repository.backups.filter((one) => one.repository === key).at(-1);
    const where = repository.repositories.length > 1 ? ` in repository ${key}` : '';
    if ((last?.stop ?? 0) < service.triggered - BACKUP_DELAY_S)
      problem(
        'backup_age',
        host,
        `the schedule called for a backup at ${isoSeconds(service.triggered)}, and ${last ? `the last one${where} is of ${isoSeconds(last.stop)}` : `there is no backup${where} yet`}; see "hapg logs ${scheduledTypes(cluster).map(backupUnit).join(' ')}"`,
      );
  }
}

function archiveView(
  { leader, observations }: Snapshot,
  problem: Report,
): { archive_ok: boolean; archive_waiting: number } {
  const archiver = leader && said(observations.get(leader.name)?.sql)?.archiver;
  // Not known; PostgreSQL's silence is reported as a problem of its own.
  if (leader && !archiver) return { archive_ok: false, archive_waiting: 0 };
  // A failure counts until something has been archived after it.
  const failing =
    !!archiver?.last_failed_time &&
    (!archiver.last_archived_time || Date.parse(archiver.last_archived_time) < Date.parse(archiver.last_failed_time));
  const waiting = archiver?.waiting ?? 0;
  const late = (archiver?.waiting_s ?? 0) > ARCHIVE_LIMIT_S;
  if (failing) problem('archive', leader!.name, `archiving fails since ${archiver?.last_failed_time}`);
  if (late)
    problem(
      'archive_lag',
      leader!.name,
      `${waiting} WAL segments on ${leader!.name} wait to be archived, the oldest for ${Math.round(archiver!.waiting_s! / 60)} minutes`,
    );
  return { archive_ok: !failing && !late, archive_waiting: waiting };
}

/** Returns the newest drill of any host. */
function drillView({ observations }: Snapshot, problem: Report): BackupStatus['drill'] {
  const all = [...observations].flatMap(([host, { drill }]) => {
    const result = said(drill);
    return result ? [{ host, ...result }] : [];
  });
  const last = all.sort((a, b) => b.finished - a.finished)[0];
  if (!last) return null;
  if (!last.ok)
    problem('drill', last.host, `the last restore drill (${isoSeconds(last.finished)}) failed: ${last.error ?? '?'}`);
  return {
    host: last.host,
    ok: last.ok,
    finished: isoSeconds(last.finished),
    backup: last.backup,
    newest_transaction: last.newest === null ? null : isoSeconds(last.newest),
    duration_s: last.finished - last.started,
  };
}
