/** One backup set; times in seconds since the epoch, sizes in bytes. */
export interface Backup {
  label: string;
  type: string;
  start: number;
  stop: number;
  /** Of the database, and of what this set adds to the repository. */
  sizeBytes: number;
  storedBytes: number;
  startLsn: string;
  stopLsn: string;
  /** First and last WAL segment that it needs to be consistent. */
  wal: [first: string, last: string];
  /** pgBackRest found damaged pages. */
  damaged: boolean;
}

/** What pgBackRest says of the stanza. */
export interface Repository {
  /** 0 ok, 1 missing stanza, 2 no valid backup, ... (pgBackRest, "info"). */
  status: number;
  message: string;
  /** A backup is being taken. */
  running: boolean;
  progress: { doneBytes: number; totalBytes: number } | undefined;
  /** Of the database that the newest backups are of. */
  systemIdentifier: string | undefined;
  /** First and last WAL segment of the archive. */
  archive: { min: string; max: string } | undefined;
  /** Oldest first. */
  backups: Backup[];
}

interface Info {
  name: string;
  status: {
    code: number;
    message: string;
    lock?: { backup?: { held?: boolean; size?: number; 'size-cplt'?: number } };
  };
  db?: { id: number; 'system-id': number | string }[];
  archive?: { min: string | null; max: string | null }[];
  backup: {
    label: string;
    type: string;
    error?: boolean | null;
    timestamp: { start: number; stop: number };
    lsn?: { start?: string; stop?: string };
    archive?: { start?: string; stop?: string };
    info: { size: number; repository?: { delta?: number } };
  }[];
}

/** Reads the answer of `pgbackrest info --output=json`; undefined when it is none. */
export function parseRepository(info: unknown, stanza: string, text = ''): Repository | undefined {
  if (!Array.isArray(info)) return undefined;
  const found = (info as Info[]).find((one) => one.name === stanza);
  if (!found)
    return {
      status: 1,
      message: 'missing stanza',
      running: false,
      progress: undefined,
      systemIdentifier: undefined,
      archive: undefined,
      backups: [],
    };
  const lock = found.status.lock?.backup;
  const archive = found.archive?.at(-1);
  // A system identifier is a 64-bit number: more than a number of JavaScript holds, so it is taken from the text.
  const identifiers = [...text.matchAll(/"system-id":\s*(\d+)/g)].map((match) => match[1]!);
  return {
    status: found.status.code,
    message: found.status.message,
    running: lock?.held === true,
    progress:
      lock?.size !== undefined && lock['size-cplt'] !== undefined
        ? { doneBytes: lock['size-cplt'], totalBytes: lock.size }
        : undefined,
    systemIdentifier: identifiers.at(-1),
    archive: archive?.min && archive.max ? { min: archive.min, max: archive.max } : undefined,
    backups: found.backup.map((one) => ({
      label: one.label,
      type: one.type,
      start: one.timestamp.start,
      stop: one.timestamp.stop,
      sizeBytes: one.info.size,
      storedBytes: one.info.repository?.delta ?? 0,
      startLsn: one.lsn?.start ?? '',
      stopLsn: one.lsn?.stop ?? '',
      wal: [one.archive?.start ?? '', one.archive?.stop ?? ''],
      damaged: one.error === true,
    })),
  };
}

/** An LSN as a number that can be compared. */
export function lsnValue(lsn: string): bigint {
  const [high = '', low = ''] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
