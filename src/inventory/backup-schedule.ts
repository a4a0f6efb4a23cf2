import type { Cluster } from './model.ts';

/** Types of backups, the widest first. */
export const BACKUP_TYPES = ['full', 'diff', 'incr'] as const;
export type BackupType = (typeof BACKUP_TYPES)[number];

/** Name of the units that take scheduled backups of a type, without `.service` or `.timer`. */
export const backupUnit = (type: BackupType): string => `pgbackrest-${type}`;

/** Returns the types of backups that a cluster takes by itself. */
export const scheduledTypes = ({ settings }: Pick<Cluster, 'settings'>): BackupType[] =>
  BACKUP_TYPES.filter((type) => settings.pgbackrest.schedule[type] !== undefined);
