import { json } from '../programs/json.ts';

/** The end of a timeline: another one was begun at `lsn`. */
export interface TimelineEnd {
  timeline: number;
  /** Where it ended, as PostgreSQL writes it (`16/B374D848`). */
  lsn: string;
  /** PostgreSQL's words in the history file. */
  reason: string;
  /** When the next timeline began (ISO 8601); null where an old Patroni did not note it. */
  at: string | null;
  /** The member that led from then on; null where it was not noted. */
  leader: string | null;
}

/** Formats a position in the WAL (bytes) as PostgreSQL does. */
export const formatLsn = (bytes: number): string =>
  `${Math.floor(bytes / 2 ** 32).toString(16)}/${(bytes % 2 ** 32).toString(16)}`.toUpperCase();

/**
 * Reads Patroni's list of timelines (GET /history: arrays of timeline, position, reason, time, leader), oldest first;
 * undefined where it is not understood.
 */
export function readHistory(answer: string): TimelineEnd[] | undefined {
  const list = json<unknown>(answer);
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((line: unknown) => {
    if (!Array.isArray(line) || typeof line[0] !== 'number' || typeof line[1] !== 'number') return [];
    const [timeline, position, reason, at, leader] = line as [number, number, unknown?, unknown?, unknown?];
    const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
    return [{ timeline, lsn: formatLsn(position), reason: text(reason) ?? '', at: text(at), leader: text(leader) }];
  });
}
