import { parser } from '@prometheus-io/lezer-promql';

/** What a PromQL expression has: places that the grammar does not allow, and the metrics that it selects. */
export interface Parsed {
  /** The text around each fault; empty for a valid expression. */
  faults: string[];
  metrics: Set<string>;
}

/** Parses PromQL with the grammar that Prometheus' own page uses. Grafana's variables must have been replaced. */
export function parsePromql(expr: string): Parsed {
  const faults: string[] = [];
  const metrics = new Set<string>();
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) faults.push(`${expr.slice(0, from)}⚠${expr.slice(from)}`);
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.add(expr.slice(from, to));
    },
  });
  return { faults, metrics };
}
