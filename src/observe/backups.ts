import { STORAGE_S } from '../bounds/programs.ts';
import { backupUnit, scheduledTypes } from '../inventory/backup-schedule.ts';
import { backupHosts, type Cluster } from '../inventory/model.ts';
import { kindOf } from '../inventory/repositories/kinds.ts';
import { PATHS } from '../paths.ts';
import { showFile } from '../programs/files.ts';
import { json } from '../programs/json.ts';
import { words } from '../shell/quote.ts';
import { type Answer, bounded, wholeOf } from './answer.ts';
import type { Question } from './question.ts';

/** The backup schedule as a host that takes backups reports it. */
export interface Schedule {
  /** Timers of scheduled backups that are not active. */
  idle: string[];
  /** When one last started a backup (s since the epoch). */
  triggered: number | undefined;
}

/** Free and whole size of a repository's file system (bytes). */
export interface Space {
  path: string;
  freeBytes: number;
  sizeBytes: number;
}

/** The outcome of the last drill, as the host that ran it wrote it. */
export interface DrillResult {
  ok: boolean;
  backup: string;
  /** When it started (s since the epoch). */
  started: number;
  finished: number;
  /** When the newest restorable transaction was committed (s since the epoch). */
  newest: number | null;
  /** How long the restore took (s). */
  restore_s: number;
  recovery_s: number;
  check_s: number;
  bytes: number;
  counts: { database: string; table: string; rows: number }[];
  error: string | null;
}

/** The timers of scheduled backups. */
export const schedule: Question<Answer<Schedule>> = {
  about: 'backups',
  of: (cluster, host) => backupHosts(cluster).includes(host),
  script: (cluster) =>
    `systemctl show --timestamp=unix -p Id,ActiveState,LastTriggerUSec ${words(...scheduledTypes(cluster).map((type) => `${backupUnit(type)}.timer`))} 2>/dev/null`,
  read(answer) {
    const timers = answer
      .split(/\n\n+/)
      .map((block) => Object.fromEntries([...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key!, value!])))
      .filter((one) => one.Id);
    if (timers.length === 0) return { silent: 'systemd does not answer' };
    const triggered = timers.flatMap((one) => /^@(\d+)$/.exec(one.LastTriggerUSec ?? '')?.[1] ?? []).map(Number);
    return {
      said: {
        idle: timers.filter((one) => one.ActiveState !== 'active').map((one) => one.Id!),
        triggered: triggered.length > 0 ? Math.max(...triggered) : undefined,
      },
    };
  },
};

const directories = (cluster: Cluster): string[] =>
  cluster.repositories.filter((one) => kindOf(one).directory).map((one) => one.path);

/** Free space of the repositories that are directories. */
export const space: Question<Answer<Space[]>> = {
  about: 'backups',
  of: (cluster, host) => backupHosts(cluster).includes(host),
  script: (cluster) =>
    directories(cluster).length === 0
      ? 'echo .'
      : bounded(
          STORAGE_S,
          `for p in ${words(...directories(cluster))}; do [ ! -d "$p" ] || { echo "space $p"; df -Pk -- "$p"; }; done`,
        ),
  read(answer) {
    const whole = wholeOf(answer);
    if ('silent' in whole) return whole;
    // df(1), "-P": a heading, then one line a file system: device, blocks of a KiB, used, available.
    const found = whole.said.matchAll(/^space (.+)\n.*\n\S+ +(\d+) +\d+ +(\d+) /gm);
    return {
      said: [...found].map(([, path, size, free]) => ({
        path: path!,
        freeBytes: Number(free) * 1024,
        sizeBytes: Number(size) * 1024,
      })),
    };
  },
};

/** The last drill of this host; null when there was none. */
export const drill: Question<Answer<DrillResult | null>> = {
  about: 'backups',
  of: ({ repositories }, { roles }) => repositories.length > 0 && (roles.has('patroni') || roles.has('pgbackrest')),
  script: () => showFile(PATHS.drill),
  read: (answer) => ({ said: json<DrillResult & Record<string, unknown>>(answer) ?? null }),
};
