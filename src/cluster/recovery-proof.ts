import { quote } from '../shell/quote.ts';
import type { Target } from './restore-target.ts';

/**
 * POSIX sh that prints the last non-empty line of the newest timeline's history (an empty one follows a time or an
 * LSN). PostgreSQL writes there why the recovery that began the timeline ended (xlogrecovery.c, getRecoveryStopReason),
 * in English whatever lc_messages is.
 */
export const recoveryEnd = (dataDir: string): string =>
  `f=$(ls ${quote(`${dataDir}/pg_wal`)}/*.history 2>/dev/null | sort | tail -n 1); [ -z "$f" ] || grep . "$f" | tail -n 1`;

/**
 * Whether that line proves that recovery ended at the target and not before it. The kind of end is the proof: a server
 * whose target lies beyond the end of the archive never begins a timeline (PostgreSQL 13 and newer end with an error).
 */
export function reachedTarget(target: Target, end: string): boolean {
  const [, , reason = ''] = end.trimEnd().split('\t');
  switch (target.kind) {
    case 'time':
      return /^(before|after) \d{4,}-\d\d-\d\d \d\d:/.test(reason);
    case 'lsn':
      return /^(before|after) LSN [0-9A-F]+\/[0-9A-F]+$/.test(reason);
    case 'name':
      return reason === `at restore point "${target.name}"`;
    case 'latest':
      return reason === 'no recovery target specified';
  }
}
