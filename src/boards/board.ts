import { layout, type Section } from './layout.ts';
import { queriesOfPanel } from './panel.ts';

/** What the operator chooses at the top of a board. */
export interface Variable {
  name: 'cluster' | 'host';
  label: string;
  /** The metric whose values of the label of the same name can be chosen, with its selector. */
  from: string;
  /** Whether several can be chosen, and all are at first. */
  several: boolean;
}

/** One board: what it is called, what can be chosen, what it shows. */
export interface Board {
  /** The last part of its address in Grafana, and the name of its file; stays the same for ever. */
  uid: `hapg-${string}`;
  title: string;
  about: string;
  variables: readonly Variable[];
  sections: readonly Section[];
}

/** Chooses one cluster. */
export const CLUSTER: Variable = {
  name: 'cluster',
  label: 'Cluster',
  from: 'patroni_postgres_running',
  several: false,
};

/** Chooses clusters; all at first. */
export const CLUSTERS: Variable = { ...CLUSTER, several: true };

const hostsOf = (metric: string): Variable => ({
  name: 'host',
  label: 'Host',
  from: `${metric}{cluster="$cluster"}`,
  several: true,
});

/** Chooses hosts of the cluster, of any role. */
export const HOSTS = hostsOf('node_boot_time_seconds');

/** Chooses database hosts of the cluster. */
export const DATABASE_HOSTS = hostsOf('patroni_postgres_running');

/** A query with the panel that asks it. */
export interface BoardQuery {
  board: string;
  panel: string;
  /** PromQL with Grafana's variables; `concrete` replaces them. */
  expr: string;
  /** Whether a healthy cluster that has the metric's exporter may answer with no series. */
  mayBeEmpty: boolean;
}

/** Returns every query of a board, in the order of its panels. */
export const queriesOf = (board: Board): BoardQuery[] =>
  layout(board.sections).flatMap(({ panel }) =>
    panel
      ? queriesOfPanel(panel).map(({ expr, mayBeEmpty }) => ({
          board: board.uid,
          panel: panel.title,
          expr,
          mayBeEmpty,
        }))
      : [],
  );

/**
 * Replaces Grafana's variables as Grafana does, so that Prometheus can be asked. `host` is a regular expression, and so is
 * `cluster` where a board shows several; `rate` is a PromQL duration.
 */
export const concrete = (expr: string, chosen: { cluster: string; host?: string; rate?: string }): string =>
  expr
    .replaceAll('$__rate_interval', chosen.rate ?? '5m')
    .replaceAll('$cluster', chosen.cluster)
    .replaceAll('$host', chosen.host ?? '.*');
