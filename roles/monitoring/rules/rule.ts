import type { Cluster } from '../../../src/inventory/model.ts';

/** One alert. Its heading in docs/alerts.md says what it means and what to do. */
export interface AlertRule {
  alert: string;
  /** PromQL; every result is one alert. */
  expr: string;
  /** How long it must hold without a break (s). */
  for: number;
  /** critical: clients or data are in danger now. warning: somebody should look today. info: good to know. */
  severity: 'critical' | 'warning' | 'info';
  /** Whether planned work can cause it; hapg silences it while it works itself. */
  planned?: true;
  /** One line with Go templates for labels: what is so, and where. */
  summary: string;
  /** The command to begin with. */
  run: string;
}

/** What rules are made of. */
export interface RuleContext {
  cluster: Cluster;
  /**
   * Returns a selector of this cluster's series of a metric, with more matchers if need be: another cluster may be read by
   * the same Prometheus.
   */
  m: (metric: string, matchers?: string) => string;
  /** Two looks at everything (s): a change that Prometheus has seen on one host, it has seen on all by then. */
  twoLooks: number;
}

/** Matches what belongs together on one host. */
export const ON_HOST = 'on (cluster, host)';

/** Returns the context of a cluster's rules. */
export function ruleContext(cluster: Cluster): RuleContext {
  const { scrape_interval, evaluation_interval } = cluster.settings.monitoring;
  return {
    cluster,
    m: (metric, matchers) => `${metric}{cluster="${cluster.name}"${matchers ? `,${matchers}` : ''}}`,
    twoLooks: Number.parseInt(scrape_interval, 10) + Number.parseInt(evaluation_interval, 10),
  };
}
