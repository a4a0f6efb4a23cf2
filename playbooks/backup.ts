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

/** The host that talks to the repositories now: the one of its own, else the member that leads. Throws Refused without. */
export function backupHost(op: Operation, { leader }: Snapshot): Host {
  const host = repositoryHost(op.cluster) ?? (leader && op.host(leader.name));
  if (!host) throw new Refused('no member leads, and no host of its own reaches the repositories');
  return host;
}

/**
 * Directories of the tablespaces that a backup holds, asked of a host that reaches the repository. An older pgBackRest that
 * does not tell leaves it at what the living members tell.
 */
export async function tablespacesOf(op: Operation, host: Host, { label, repository }: Backup): Promise<string[]> {
  const { stanza } = op.cluster;
  const command = info(stanza, `--repo=${repository}`, `--set=${label}`);
  const its = answerOf((await op.session.ask(host, asking(BACKUP_INFO_S, command), BACKUP_INFO_S + ANSWER_S)).output);
  const told = its && 'said' in its ? parseTablespaces(its.said) : undefined;
  return (told ?? (await op.look()).tablespaces).filter((path) => path.startsWith('/'));
}

/** A backup into each repository, or one of them, with its progress in bytes. Rejects when there is none afterwards. */
export async function takeBackup(op: Operation, type: 'full' | 'diff' | 'incr', only?: number): Promise<Backup[]> {
  const { cluster } = op;
  const seen = await op.look();
  const host = backupHost(op, seen);
  const newest = async (key: number) =>
    (await op.look([host])).repository?.backups.filter((one) => one.repository === key).at(-1);
  const made: Backup[] = [];
  for (const { key } of cluster.repositories.filter((one) => only === undefined || one.key === only)) {
    const name = cluster.repositories.length > 1 ? `${type} backup to repository ${key}` : `${type} backup`;
    const before = await newest(key);
    const command = backup(cluster.stanza, key, type);
    await op.step(host, name, 'pgbackrest', 'run', (remote) =>
      remote.unit('backup', command, transfer(), {
        script: backupProgress(cluster.stanza),
        stuckSeconds: standstill(sharedBuffers(seen)),
        describe: (answer) => backupProgressLine(name, answer, cluster.stanza),
      }),
    );
    const after = await newest(key);
    if (!after || after.label === before?.label) throw new StepFailed(host.name, name, 'there is no new backup');
    made.push(after);
  }
  return made;
}

/** Everything that was committed is in the archive: a segment is closed, and its arrival waited for. */
export const archiveAll = async (op: Operation): Promise<void> => {
  const host = backupHost(op, await op.look());
  await op.step(host, 'check archiving', 'pgbackrest', 'run', (remote) =>
    remote.run(check(op.cluster.stanza), ARCHIVE_CHECK_S),
  );
};

/** When the newest transaction was committed (milliseconds since the epoch, microseconds behind the point), as a running replica knows it. */
export async function lastCommit(op: Operation): Promise<number | undefined> {
  const { members } = await op.look();
  const replica = members.find((one) => one.state === 'streaming');
  if (!replica) return undefined;
  const answer = await op.ask(
    op.host(replica.name),
    'the last commit',
    sql(serverOf(op.cluster), 'select extract(epoch from pg_last_xact_replay_timestamp()) * 1000'),
  );
  return /^\d+(\.\d+)?$/.test(answer.trim()) ? Number(answer.trim()) : undefined;
}
