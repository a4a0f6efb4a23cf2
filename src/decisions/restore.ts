import { epochMs } from '../cluster/moment.ts';
import { describeTarget, type Target } from '../cluster/restore-target.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import type { Cluster, RepositorySettings } from '../inventory/model.ts';
import { kindOf } from '../inventory/repositories/kinds.ts';
import { said } from '../observe/answer.ts';
import { type Backup, lsnValue, type Repository } from '../observe/repository.ts';
import { pauseWords } from './holds.ts';
import { all, type Verdict, verdict } from './verdict.ts';

/** The room for a restored database, as a multiple of the size that its backup reports. */
const GROWTH = 1.1;

export interface RestoreFacts {
  repository: Repository | undefined;
  /** When the newest transaction was committed, with microseconds after the point (ms since the epoch); undefined when unknown. */
  lastCommit: number | undefined;
  /** Whether the restoring host can set its present data aside and hold a database of this size (bytes). */
  room: (databaseBytes: number) => Verdict;
  now: number;
}

/** Returns the backup set that a restore to `target` starts from: the named one, or the newest one older than the target. */
export function backupFor(target: Target, backups: readonly Backup[], label: string | undefined): Backup | undefined {
  if (label !== undefined) return backups.find((one) => one.label === label);
  const fits = backups.filter((one) => {
    if (target.kind === 'time') return one.stop * 1000 <= epochMs(target.at);
    if (target.kind === 'lsn') return lsnValue(one.stopLsn) <= lsnValue(target.lsn);
    return true;
  });
  // The time of a restore point is unknown, and only a backup from before it can reach it.
  return target.kind === 'name' ? fits[0] : fits.at(-1);
}

/**
 * May `source` be cloned to the hosts of `target`? Not with another major version, hosts that are not empty, or a
 * repository that both would write. `snapshot` is of the clone's hosts.
 */
export function mayClone(source: Cluster, target: Cluster, snapshot: Snapshot): Verdict {
  const reasons: string[] = [];
  if (target.upstream)
    reasons.push(
      `${target.name} is to be a standby of ${target.upstream.name}, which it gets everything from: "hapg apply"`,
    );
  if (source.file === target.file) reasons.push('the clone needs an inventory of its own');
  const [from, to] = [source.settings.postgres.version, target.settings.postgres.version];
  if (from !== to) reasons.push(`${source.name} has PostgreSQL ${from}, ${target.name} would have ${to}`);
  for (const { name, dataDir } of target.hosts) {
    const there = snapshot.observations.get(name)?.dataDirectory;
    if (there && !/^(absent|empty)$/.test(said(there)?.state ?? 'unknown'))
      reasons.push(`${name}: ${dataDir} is not empty; a clone is made on empty hosts only`);
  }
  if (snapshot.initialize) reasons.push(`the DCS of ${target.name} knows a cluster already (${snapshot.initialize})`);
  const place = (cluster: Cluster) => (one: RepositorySettings) => {
    const shared = kindOf(one).shared(one);
    return shared && `${shared} ${cluster.stanza}`;
  };
  const taken = source.repositories.map(place(source));
  for (const one of target.repositories.map(place(target)))
    if (one && taken.includes(one))
      reasons.push(`both would archive to ${one}: give ${target.name} a stanza or a path of its own`);
  return verdict(reasons, 'taken');
}

/** May this restore begin? Not with a target outside the window, a foreign repository, too little room, or a mistyped name. */
export function mayRestore(
  cluster: Cluster,
  snapshot: Snapshot,
  target: Target,
  label: string | undefined,
  facts: RestoreFacts,
): Verdict {
  // A paused Patroni leaves PostgreSQL running when it stops, and the restored one could not start beside it.
  const paused = snapshot.paused ? [`${pauseWords(snapshot)}: "hapg resume" first`] : [];
  const { repository } = facts;
  if (!repository) return verdict([NO_ANSWER], 'backup');
  const backup = backupFor(target, repository.backups, label);
  return all(
    verdict([...paused, ...unreachable(cluster, snapshot, target, label, { ...facts, repository })], 'restore_target'),
    backup ? facts.room(backup.sizeBytes * GROWTH) : verdict([]),
  );
}

/** May a part of this cluster be restored beside what is there? Its names are checked by the command. */
export function mayExtract(
  cluster: Cluster,
  snapshot: Snapshot,
  target: Target,
  label: string | undefined,
  { repository, ...facts }: Omit<RestoreFacts, 'room'>,
): Verdict {
  if (!repository) return verdict([NO_ANSWER], 'backup');
  return verdict(
    [
      ...(snapshot.leader ? [] : ['no member leads, so nothing can be restored into the cluster']),
      ...unreachable(cluster, snapshot, target, label, { ...facts, repository }),
    ],
    'restore_target',
  );
}

const NO_ANSWER = 'pgBackRest does not answer on the repository host';

/** Returns why the backups do not reach a target. */
function unreachable(
  cluster: Cluster,
  snapshot: Snapshot,
  target: Target,
  label: string | undefined,
  { repository, lastCommit, now }: Omit<RestoreFacts, 'room'> & { repository: Repository },
): string[] {
  const reasons: string[] = [];
  const { backups } = repository;
  const first = backups[0];
  const foreign = snapshot.systemIdentifiers.filter((one) => one !== repository.systemIdentifier);
  if (repository.systemIdentifier && foreign.length > 0)
    reasons.push(
      `the repository holds backups of the database ${repository.systemIdentifier}, and the hosts have ${foreign.join(', ')}`,
    );
  if (repository.running) reasons.push('a backup is running; wait for its end');
  if (!first) reasons.push(`stanza ${cluster.stanza} has no backup`);
  const backup = backupFor(target, backups, label);
  if (first && label !== undefined && !backup)
    reasons.push(`there is no backup ${label}; "hapg backups" lists those that there are`);
  else if (first && !backup)
    reasons.push(
      `${describeTarget(target)} is before the first backup's end (${new Date(first.stop * 1000).toISOString()}, ${first.stopLsn})`,
    );
  if (backup && target.kind === 'time' && epochMs(target.at) < backup.stop * 1000)
    reasons.push(`backup ${backup.label} ended only at ${new Date(backup.stop * 1000).toISOString()}`);
  if (target.kind === 'time' && epochMs(target.at) > now) reasons.push(`${describeTarget(target)} is in the future`);
  // PostgreSQL 13 and newer end with an error when the target is never reached. Recovery stops before the first commit
  // later than the target, and not at one of the same microsecond (recoveryStopsBefore in xlogrecovery.c).
  else if (target.kind === 'time' && lastCommit !== undefined && epochMs(target.at) >= lastCommit)
    reasons.push(
      `nothing was committed after ${describeTarget(target)} (the last commit is of ${new Date(lastCommit).toISOString()}): use --latest`,
    );
  if (backup?.damaged) reasons.push(`backup ${backup.label} holds damaged pages; name another one with --backup`);
  return reasons;
}
