import { transfer } from '../src/bounds/copy.ts';
import { ANSWER_S } from '../src/bounds/hosts.ts';
import { standstill } from '../src/bounds/postgres.ts';
import { ARCHIVE_CHECK_S, BACKUP_INFO_S } from '../src/bounds/programs.ts';
import { backupProgress, backupProgressLine } from '../src/cluster/backup-progress.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import type { Operation } from '../src/engine/operation.ts';
import { Refused, StepFailed } from '../src/errors.ts';
import { type Host, repositoryHost, serverOf } from '../src/inventory/model.ts';
import { answerOf, asking } from '../src/observe/answer.ts';
import { type Backup, parseTablespaces } from '../src/observe/repository.ts';
import { backup, check, info } from '../src/programs/pgbackrest.ts';
import { sql } from '../src/programs/postgres.ts';

/** The host that uses the repositories now: the backup host, else the leader. Throws Refused when there is none. */
export function backupHost(op: Operation, { leader }: Snapshot): Host {
  const host = repositoryHost(op.cluster) ?? (leader && op.host(leader.name));
  if (!host) throw new Refused('no member leads, and no host of its own reaches the repositories', 'no_leader');
  return host;
}

/**
 * Directories of the tablespaces in a backup, asked of a host that reaches the repository. An older pgBackRest does not
 * report them; then those of the running members are returned.
 */
export async function tablespacesOf(op: Operation, host: Host, { label, repository }: Backup): Promise<string[]> {
  const { stanza } = op.cluster;
  const command = info(stanza, `--repo=${repository}`, `--set=${label}`);
  const its = answerOf((await op.session.ask(host, asking(BACKUP_INFO_S, command), BACKUP_INFO_S + ANSWER_S)).output);
  const listed = its && 'said' in its ? parseTablespaces(its.said) : undefined;
  return (listed ?? (await op.observe()).tablespaces).filter((path) => path.startsWith('/'));
}

/**
 * Takes a backup into each repository, or one of them, and reports its progress in bytes. Rejects when there is no new
 * backup afterwards.
 */
export async function takeBackup(op: Operation, type: 'full' | 'diff' | 'incr', only?: number): Promise<Backup[]> {
  const { cluster } = op;
  const snapshot = await op.observe();
  const host = backupHost(op, snapshot);
  const newest = async (key: number) =>
    (await op.observe([host])).repository?.backups.filter((one) => one.repository === key).at(-1);
  const made: Backup[] = [];
  for (const { key } of cluster.repositories.filter((one) => only === undefined || one.key === only)) {
    const name = cluster.repositories.length > 1 ? `${type} backup to repository ${key}` : `${type} backup`;
    const before = await newest(key);
    const command = backup(cluster.stanza, key, type);
    await op.step(host, name, 'pgbackrest', 'run', (remote) =>
      remote.unit('backup', command, transfer(), {
        script: backupProgress(cluster.stanza),
        stuckSeconds: standstill(sharedBuffers(snapshot)),
        describe: (answer) => backupProgressLine(name, answer, cluster.stanza),
      }),
    );
    const after = await newest(key);
    if (!after || after.label === before?.label) throw new StepFailed(host.name, name, 'there is no new backup');
    made.push(after);
  }
  return made;
}

/** Closes a WAL segment and waits until it is archived: then all commits are in the archive. */
export const archiveAll = async (op: Operation): Promise<void> => {
  const host = backupHost(op, await op.observe());
  await op.step(host, 'check archiving', 'pgbackrest', 'run', (remote) =>
    remote.run(check(op.cluster.stanza), ARCHIVE_CHECK_S),
  );
};

/** Time of the newest commit, as a running replica knows it (ms since the epoch, with microseconds after the point). */
export async function lastCommit(op: Operation): Promise<number | undefined> {
  const { members } = await op.observe();
  const replica = members.find((one) => one.state === 'streaming');
  if (!replica) return undefined;
  const answer = await op.ask(
    op.host(replica.name),
    'the last commit',
    sql(serverOf(op.cluster), 'select extract(epoch from pg_last_xact_replay_timestamp()) * 1000'),
  );
  return /^\d+(\.\d+)?$/.test(answer.trim()) ? Number(answer.trim()) : undefined;
}
