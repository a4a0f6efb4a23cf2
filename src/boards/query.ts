/** One question to Prometheus and what its answer is called in the panel. */
export interface Query {
  /** PromQL, with Grafana's variables. */
  expr: string;
  /** The name of each series; `{{label}}` is the value of a label. */
  legend: string;
  /** Whether a healthy cluster may have no series: nothing is wrong, nothing waits, or the feature is not used. */
  mayBeEmpty: boolean;
}

/** Returns a query that a healthy cluster with its exporter always answers with at least one series. */
export const query = (expr: string, legend: string): Query => ({ expr, legend, mayBeEmpty: false });

/** Returns a query that a healthy cluster may answer with no series. */
export const maybe = (expr: string, legend: string): Query => ({ expr, legend, mayBeEmpty: true });

const selector = (metric: string, matchers: readonly string[]): string => `${metric}{${matchers.join(',')}}`;

/** Selects a metric of the chosen cluster, with further matchers such as `state="active"`. */
export const ofCluster = (metric: string, ...more: readonly string[]): string =>
  selector(metric, ['cluster="$cluster"', ...more]);

/** Selects a metric of the chosen cluster's chosen hosts, with further matchers. */
export const ofHosts = (metric: string, ...more: readonly string[]): string =>
  ofCluster(metric, 'host=~"$host"', ...more);

/** Selects a metric of all chosen clusters, for boards that show several. */
export const ofClusters = (metric: string, ...more: readonly string[]): string =>
  selector(metric, ['cluster=~"$cluster"', ...more]);

/** Returns how fast a counter grows, a second. `selected` is a selector. */
export const perSecond = (selected: string): string => `rate(${selected}[$__rate_interval])`;

/** Returns the latency, in seconds, that 99 of 100 stay below. `selected` is the selector of a histogram's buckets. */
export const worstOfHundred = (selected: string): string =>
  `histogram_quantile(0.99, sum by (cluster, host, le) (${perSecond(selected)}))`;

/** A metric's selector for the clusters of a board: `ofCluster`, `ofHosts` or `ofClusters`. */
export type Select = (metric: string, ...more: readonly string[]) => string;

/** Returns the newest location of WAL, in bytes, that any member of each cluster has. */
const newestWal = (select: Select): string =>
  // A standby cluster has no location of its own (`patroni_xlog_location` is 0 everywhere): what was received counts.
  `max by (cluster) (${select('patroni_xlog_location')} > 0 or ${select('patroni_xlog_received_location')})`;

/**
 * Returns how many bytes of WAL each member has yet to replay, against the newest WAL of its cluster. `select` selects whole
 * clusters, `members` those whose lag is shown.
 */
export const lagBytes = (select: Select, members: Select = select): string =>
  `clamp_min(${newestWal(select)} - on (cluster) group_right () (${members('patroni_xlog_replayed_location')} > 0), 0)`;

/**
 * Returns the bytes of WAL that each cluster writes a second. Two traps of a failover are avoided: the location of a new leader
 * jumps from 0, so the newest of all members is taken; and that falls a little where the old leader had written more, which
 * `rate` would take for a counter that began anew, so the slope is taken.
 */
export const walPerSecond = (select: Select): string => `clamp_min(deriv((${newestWal(select)})[5m:15s]), 0)`;

/** Keeps of an expression the series of hosts whose PostgreSQL is a leader. */
export const onLeader = (expr: string, select: Select): string =>
  `${expr} and on (cluster, host) ${select('pg_replication_is_replica')} == 0`;
