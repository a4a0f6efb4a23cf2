import type { Timing } from '../timing.ts';

/**
 * Writes that paused for a planned change of leader, with `rto: fast`: the shortest and the longest figure of
 * docs/benchmarks.md for a switchover and for a restart of the leader (1.8 to 2.5 s).
 */
const MEASURED_S = { least: 1.8, most: 2.5 };

/** What is in that for HAProxy to see the new leader: one check of a server that is down, every 0.5 s (`rto: fast`). */
const MEASURED_CHECKS_S = 0.5;

/**
 * Estimates how long writes pause for a planned change of leader or a restart of it (whole seconds). Measured with
 * `rto: fast`; with slower checks HAProxy may see the new leader later: one interval of a server that is down, and
 * another for each further success that it asks for. No measurement on another machine is a promise for this one.
 */
export function writeGap({ haproxy }: Timing, balanced: boolean): { least: number; most: number } {
  const checks = balanced ? (haproxy.downinter + (haproxy.rise - 1) * haproxy.fastinter) / 1000 : MEASURED_CHECKS_S;
  return { least: Math.round(MEASURED_S.least), most: Math.ceil(MEASURED_S.most - MEASURED_CHECKS_S + checks) };
}
