import { said } from '../observe/answer.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Shared memory of a member's PostgreSQL, or without a name the largest of all members (bytes), from which bounds of
 * checkpoints and shutdowns are derived. Undefined where none has reported it.
 */
export function sharedBuffers({ observations }: Snapshot, name?: string): number | undefined {
  const known = [...observations]
    .filter(([host]) => name === undefined || host === name)
    .flatMap(([, { sql }]) => said(sql)?.sizes?.shared_buffers ?? []);
  return known.length > 0 ? Math.max(...known) : undefined;
}
