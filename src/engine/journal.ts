import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../inventory/model.ts';
import { scrubbed } from '../secrets/outlet.ts';
import { ensureStateDir } from '../secrets/store-file.ts';

/** One line of a journal. */
export interface JournalEntry {
  time: string;
  type: string;
  [key: string]: unknown;
}

const directory = (cluster: Cluster) => join(cluster.stateDir, 'journal');

/** `20260101T030000-1a2b`: sorts by time. */
export const newRunId = (): string =>
  `${new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '')}-${Math.floor(Math.random() * 65536)
    .toString(16)
    .padStart(4, '0')}`;

/**
 * The journal of a run: what was done, when and by whom, in one NDJSON file on the controller. Each line is written at
 * once, so that a kill loses nothing.
 */
export class Journal {
  private isMade = false;

  private constructor(
    private readonly cluster: Cluster,
    private readonly file: string,
  ) {}

  /** Opens the journal of a new run. A run that writes nothing leaves no file. */
  static open(cluster: Cluster, run: string): Journal {
    return new Journal(cluster, join(directory(cluster), `${run}.ndjson`));
  }

  /** Appends one line, without the secrets of the run. */
  write(type: string, fields: Record<string, unknown>): void {
    if (!this.isMade) {
      ensureStateDir(this.cluster);
      mkdirSync(directory(this.cluster), { recursive: true, mode: 0o700 });
      this.isMade = true;
    }
    appendFileSync(this.file, `${JSON.stringify({ time: new Date().toISOString(), type, ...scrubbed(fields) })}\n`, {
      mode: 0o600,
    });
  }
}

/**
 * Whether the newest run that wrote anything was interrupted: its journal has no end, and its effects may not have
 * settled.
 */
export function lastRunDied(cluster: Cluster): boolean {
  const last = readJournals(cluster)
    .filter(({ entries }) => entries.length > 0)
    .at(-1);
  return last !== undefined && !last.entries.some((entry) => entry.type === 'end');
}

const isEntry = (value: unknown): value is JournalEntry =>
  typeof value === 'object' &&
  value !== null &&
  ['time', 'type'].every((key) => typeof (value as Record<string, unknown>)[key] === 'string');

/**
 * Reads all journals of a cluster on this controller, oldest first. Lines that are no complete entries, such as the
 * last one of a killed run, are left out.
 */
export function readJournals(cluster: Cluster): { run: string; entries: JournalEntry[] }[] {
  if (!existsSync(directory(cluster))) return [];
  return readdirSync(directory(cluster))
    .filter((name) => name.endsWith('.ndjson'))
    .sort()
    .map((name) => ({
      run: name.replace(/\.ndjson$/, ''),
      entries: readFileSync(join(directory(cluster), name), 'utf8')
        .split('\n')
        .flatMap((line) => {
          try {
            const entry: unknown = line ? JSON.parse(line) : undefined;
            return isEntry(entry) ? [entry] : [];
          } catch {
            return [];
          }
        }),
    }));
}
