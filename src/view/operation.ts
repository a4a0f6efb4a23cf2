import type { Glance, LoadFigures } from '../cluster/client-load.ts';
import type { Switchover } from '../engine/operation.ts';
import type { Done } from '../engine/record.ts';
import { duration, paint, table } from './style.ts';

/** Formats what was done, with durations: one line per host, and the changes of leader. */
export function showOperation(done: readonly Done[], switchovers: readonly Switchover[]): string {
  const hosts = [...new Set(done.map((one) => one.host))];
  const rows = hosts.map((host) => {
    const its = done.filter((one) => one.host === host);
    const longest = [...its].sort((a, b) => b.ms - a.ms).slice(0, 3);
    return [
      host,
      duration(its.reduce((sum, one) => sum + one.ms, 0)),
      longest.map((one) => `${one.step} ${duration(one.ms)}`).join(', '),
    ];
  });
  return [
    ...(rows.length > 0 ? [table(rows)] : []),
    ...switchovers.map(({ from, to, duration_ms }) => `leader ${from} → ${to} in ${duration(duration_ms)}`),
  ].join('\n');
}

/** Formats the figures of a client load that goes on. */
export const showGlance = ({ writes, reads }: Glance): string =>
  `${writes.acked} writes, ${writes.failed} failed; ${reads.ok} reads, ${reads.failed} failed`;

/** Formats the figures of the client load. */
export function showFigures({ writes, reads }: LoadFigures): string {
  const lost = writes.lost > 0 ? paint.red(`${writes.lost} lost`) : '0 lost';
  return `clients: ${writes.acked} writes, ${writes.failed} failed, longest gap ${duration(writes.max_gap_ms)}, ${lost}; ${reads.ok} reads, ${reads.failed} failed, longest gap ${duration(reads.max_gap_ms)}`;
}
