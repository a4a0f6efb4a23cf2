import { said } from '../observe/answer.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Returns the shared memory of a member's PostgreSQL, or of the largest member without a name (bytes). Bounds of
 * checkpoints and shutdowns derive from it. Undefined when none has reported it.
 */
export function sharedBuffers({ observations }: Snapshot, name?: string): number | undefined {
  const known = [...observations]
    .filter(([host]) => name === undefined || host === name)
    .flatMap(([, { sql }]) => said(sql)?.sizes?.shared_buffers ?? []);
  return known.length > 0 ? Math.max(...known) : undefined;
}
