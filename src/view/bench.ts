import type { BenchFigures } from '../programs/pgbench.ts';

const ms = (value: number | null): string => (value === null ? '?' : `${value.toFixed(value < 10 ? 2 : 1)} ms`);

/** Formats what pgbench measured. */
export function showBench({
  transactions,
  failed_transactions: failed,
  tps,
  latency_ms: latency,
}: BenchFigures): string {
  return [
    `${tps.toFixed(1)} transactions a second (${transactions} in all, ${failed} failed)`,
    `latency: average ${ms(latency.average)}, deviation ${ms(latency.stddev)}, half within ${ms(latency.p50)}, 95 % within ${ms(latency.p95)}, 99 % within ${ms(latency.p99)}`,
  ].join('\n');
}
