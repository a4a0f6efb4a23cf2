import { backupHost, takeBackup } from '../../playbooks/backup.ts';
import { type BackupWindow, windowOf } from '../cluster/backup-window.ts';
import { noBackupRunning } from '../decisions/update.ts';
import { all, verdict } from '../decisions/verdict.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { backupHosts, type Cluster, type RepositorySettings, repositoryHost } from '../inventory/model.ts';
import { kindOf } from '../inventory/repositories/kinds.ts';
import type { Backup } from '../observe/repository.ts';
import { print, printJson } from '../run/ask.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import type { CommonOptions } from '../run/options.ts';
import { observeHosts } from '../run/read-only.ts';
import { refuseUnless } from '../run/refuse.ts';
import { readSetup } from '../run/setup.ts';
import { bytes, isoSeconds as time } from '../units.ts';
import { duration, paint, table } from '../view/style.ts';

const TYPES = ['full', 'diff', 'incr'] as const;

/** A backup in JSON. */
const documentOf = (one: Backup) => ({
  label: one.label,
  repository: one.repository,
  type: one.type,
  start: time(one.start),
  stop: time(one.stop),
  duration_s: one.stop - one.start,
  database_bytes: one.sizeBytes,
  repository_bytes: one.storedBytes,
  wal: { start: one.wal[0], stop: one.wal[1] },
  lsn: { start: one.startLsn, stop: one.stopLsn },
  damaged: one.damaged,
});

/** Throws UsageError for an inventory without backups, or whose backups belong to another one. */
export function expectRepositories({ file, name, repositories, upstream }: Cluster): void {
  if (upstream) throw new UsageError(`${name} is a standby of ${upstream.name}: the backups are there`);
  if (repositories.length === 0)
    throw new UsageError(`${file} has no backups: it names no repository and no host with the role pgbackrest`);
}

/** Where a repository is, for the operator who must recognize it. */
export function repositoryPlace(cluster: Cluster, one: RepositorySettings): string {
  return kindOf(one).place(one, repositoryHost(cluster)?.name);
}

/** The number and the name of a repository, for tables. */
export const repositoryName = ({ repositories }: Cluster, key: number): string => {
  const one = repositories.find((other) => other.key === key);
  return `${key} ${one ? kindOf(one).label(one) : ''}`.trim();
};

/** The flags of `hapg backup`. */
export interface BackupOptions extends OperateOptions {
  type: string;
}

/** `hapg backup`: takes a backup now, from a standby when there is one. */
export function backupCommand(options: BackupOptions): Promise<number> {
  const type = TYPES.find((one) => one === options.type);
  if (!type) throw new UsageError(`--type ${options.type}: one of ${TYPES.join(', ')}`);
  return operate('backup', options, async (op, snapshot) => {
    expectRepositories(op.cluster);
    refuseUnless(all(noBackupRunning(snapshot), verdict(snapshot.leader ? [] : ['no member leads'], 'no_leader')));
    const host = backupHost(op, snapshot);
    let made: Backup[] = [];
    return {
      explain: `a ${type} backup of ${op.cluster.stanza} to ${host.name}`,
      question: `Take a ${type} backup of ${op.cluster.name}?`,
      hosts: [host],
      document: () => ({ backup: made.map(documentOf)[0] ?? null, backups: made.map(documentOf) }),
      run: async () => {
        op.stage('backup', [host]);
        try {
          made = await takeBackup(op, type);
        } catch (cause) {
          await op.hooks.failed('backup', { HOST: host.name, TYPE: type, REASON: (cause as Error).message });
          throw cause;
        }
      },
    };
  });
}

/** `hapg backups`: lists the backups and the span of time that a restore can reach. */
export async function backupsCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup(options);
  const { cluster } = setup;
  expectRepositories(cluster);
  const keepers = backupHosts(cluster);
  // The members tell when they have archived; a list of backups needs none of them.
  const hosts = cluster.hosts.filter((host) => keepers.includes(host) || host.roles.has('patroni'));
  return observeHosts(setup, 'backups', { hosts, about: ['backups', 'members'] }, (snapshot) => {
    const { repository } = snapshot;
    if (!repository)
      throw new Refused(`${keepers.map((host) => host.name).join(', ')}: pgBackRest does not answer`, 'backup');
    const { backups, archive } = repository;
    const window = windowOf(snapshot);
    if (setup.json)
      printJson({
        stanza: cluster.stanza,
        status: repository.message,
        system_identifier: repository.systemIdentifier ?? null,
        archive: archive ?? null,
        window: window
          ? {
              ...{ from: time(window.from), from_lsn: window.fromLsn },
              ...{ until: time(window.until), until_source: window.source, until_wal: archive?.max ?? null },
            }
          : null,
        backups: backups.map(documentOf),
      });
    else {
      print(
        table([
          ['BACKUP', 'REPOSITORY', 'TYPE', 'TAKEN', 'TOOK', 'DATABASE', 'STORED', 'WAL'],
          ...backups.map((one) => [
            one.label,
            repositoryName(cluster, one.repository),
            one.type,
            time(one.stop),
            duration((one.stop - one.start) * 1000),
            bytes(one.sizeBytes),
            bytes(one.storedBytes),
            `${one.wal[0]} to ${one.wal[1]}${one.damaged ? paint.red('  damaged pages') : ''}`,
          ]),
        ]),
      );
      if (window) print(`\n${windowText(window, archive?.max, Date.now() / 1000)}`);
    }
    return backups.length > 0 ? EXIT.done : EXIT.refused;
  });
}

/** The window for people: times, and how long ago each is. */
export function windowText(
  { from, fromLsn, until, source }: BackupWindow,
  wal: string | undefined,
  now: number,
): string {
  const ago = (at: number) => `${span(Math.max(0, Math.round(now - at)))} ago`;
  const end =
    source === 'archive'
      ? `the newest WAL was archived then${wal ? ` (${wal})` : ''}`
      : 'the end of the newest backup; no member tells what it has archived since';
  return `A restore may end at any moment
  from   ${time(from)}, ${ago(from)} (${fromLsn})
  until  ${time(until)}, ${ago(until)}: ${end}`;
}

/** Formats whole seconds as the two largest units. */
function span(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
