import { REPOSITORY_OBSERVE_S } from '../bounds/programs.ts';
import { backupHosts } from '../inventory/model.ts';
import { info, PGBACKREST_CONFIG } from '../programs/pgbackrest.ts';
import { type Answer, answerOf, asking, bounded, wholeOf } from './answer.ts';
import type { Question } from './question.ts';

/** One backup set; times (s since the epoch), sizes (bytes). */
export interface Backup {
  label: string;
  /** pgBackRest's number of the repository that holds it. */
  repository: number;
  type: string;
  start: number;
  stop: number;
  /** Size of the database, and size that this set adds to the repository (bytes). */
  sizeBytes: number;
  storedBytes: number;
  startLsn: string;
  stopLsn: string;
  /** First and last WAL segment that make it consistent. */
  wal: [first: string, last: string];
  /** pgBackRest found damaged pages. */
  damaged: boolean;
}

/** pgBackRest's report on the stanza, over all repositories. */
export interface Repository {
  /** Status 0 ok, 1 missing stanza, 2 no valid backup, ... (pgBackRest, "info"); 4 when repositories differ. */
  status: number;
  message: string;
  /** The status of each repository, by pgBackRest's number. */
  repositories: { key: number; status: number; message: string }[];
  /** A backup is being taken. */
  running: boolean;
  progress: { doneBytes: number; totalBytes: number } | undefined;
  /** Identifier, and major version such as `17`, of the database of the newest backups. */
  systemIdentifier: string | undefined;
  version: string | undefined;
  /** First and last WAL segment of the archive. */
  archive: { min: string; max: string } | undefined;
  /** Backup sets, oldest first. */
  backups: Backup[];
}

interface Info {
  name: string;
  status: {
    code: number;
    message: string;
    lock?: { backup?: { held?: boolean; size?: number; 'size-cplt'?: number } };
  };
  repo?: { key: number; status: { code: number; message: string } }[];
  db?: { id: number; version?: string }[];
  archive?: { min: string | null; max: string | null; database?: { 'repo-key'?: number } }[];
  backup: {
    label: string;
    type: string;
    error?: boolean | null;
    database?: { 'repo-key'?: number };
    timestamp: { start: number; stop: number };
    lsn?: { start?: string; stop?: string };
    archive?: { start?: string; stop?: string };
    info: { size: number; repository?: { delta?: number } };
  }[];
}

const NO_STANZA: Repository = {
  status: 1,
  message: 'missing stanza',
  repositories: [],
  running: false,
  progress: undefined,
  systemIdentifier: undefined,
  version: undefined,
  archive: undefined,
  backups: [],
};

function parseInfo(text: string): Info[] | undefined {
  try {
    const list = JSON.parse(text) as unknown;
    return Array.isArray(list) ? (list as Info[]) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the answer of `pgbackrest info --output=json`; undefined when it cannot be read. */
export function parseRepository(text: string, stanza: string): Repository | undefined {
  const list = parseInfo(text);
  if (!list) return undefined;
  const found = list.find((one) => one.name === stanza);
  if (!found) return NO_STANZA;
  const lock = found.status.lock?.backup;
  const segments = (found.archive ?? []).flatMap(({ min, max }) => (min && max ? [{ min, max }] : []));
  // A system identifier has 64 bits, more than a JavaScript number holds, so it is read from the text.
  const identifiers = [...text.matchAll(/"system-id":\s*(\d+)/g)].map((match) => match[1]!);
  return {
    status: found.status.code,
    message: found.status.message,
    repositories: (found.repo ?? []).map(({ key, status }) => ({ key, status: status.code, message: status.message })),
    running: lock?.held === true,
    progress:
      lock?.size !== undefined && lock['size-cplt'] !== undefined
        ? { doneBytes: lock['size-cplt'], totalBytes: lock.size }
        : undefined,
    systemIdentifier: identifiers.at(-1),
    version: found.db?.at(-1)?.version,
    archive:
      segments.length > 0
        ? {
            min: segments.map((one) => one.min).sort()[0]!,
            max: segments
              .map((one) => one.max)
              .sort()
              .at(-1)!,
          }
        : undefined,
    backups: found.backup
      .map((one) => ({
        label: one.label,
        repository: one.database?.['repo-key'] ?? 1,
        type: one.type,
        start: one.timestamp.start,
        stop: one.timestamp.stop,
        sizeBytes: one.info.size,
        storedBytes: one.info.repository?.delta ?? 0,
        startLsn: one.lsn?.start ?? '',
        stopLsn: one.lsn?.stop ?? '',
        wal: [one.archive?.start ?? '', one.archive?.stop ?? ''] as [string, string],
        damaged: one.error === true,
      }))
      .sort((a, b) => a.stop - b.stop),
  };
}

/** POSIX sh that asks pgBackRest for its report, for `seconds` at most; read by `readReport`. A storage that hangs is silent. */
export const reportOf = (stanza: string, seconds = REPOSITORY_OBSERVE_S): string =>
  bounded(seconds + 2, asking(seconds, info(stanza)));

/** Reads the output of `reportOf`; null when nothing was asked. */
export function readReport(answer: string, stanza: string): Answer<Repository | null> {
  const whole = wholeOf(answer);
  if ('silent' in whole) return whole;
  const its = answerOf(whole.said);
  if (its === undefined) return { said: null };
  if ('silent' in its) return its;
  const said = parseRepository(its.said, stanza);
  return said ? { said } : { silent: 'its answer is not understood' };
}

/**
 * pgBackRest's report on the backups; null where it is not set up, and on hosts for which another one reports. When
 * every member could report, the leader does, and without a leader all do. Runs after `patroniAnswers`.
 */
export const repository: Question<Answer<Repository | null>> = {
  about: 'backups',
  of: (cluster, host) => backupHosts(cluster).includes(host),
  script({ stanza }, { roles }) {
    const tells = roles.has('patroni')
      ? `case "$HAPG_PATRONI" in *'"role": "replica"'*|*'"role": "standby_leader"'*) false ;; esac`
      : 'true';
    return `if [ -e ${PGBACKREST_CONFIG} ] && { ${tells}; }; then ${reportOf(stanza)}; else echo .; fi`;
  },
  read: (answer, { stanza }) => readReport(answer, stanza),
};

/** Reads the tablespaces' directories in a backup from `pgbackrest info --set --output=json`; undefined when it cannot be read. */
export function parseTablespaces(text: string): string[] | undefined {
  const list = parseInfo(text) as { backup?: { tablespace?: { destination: string }[] | null }[] }[] | undefined;
  return list
    ?.flatMap((one) => one.backup ?? [])
    .flatMap((one) => (one.tablespace ?? []).map(({ destination }) => destination));
}

/** Returns an LSN as a comparable number. */
export function lsnValue(lsn: string): bigint {
  const [high = '', low = ''] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
