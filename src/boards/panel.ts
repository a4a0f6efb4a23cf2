import type { Query } from './query.ts';
import { type Meanings, NEUTRAL, type Step } from './thresholds.ts';

/** What a figure is measured in, by Grafana's name of the unit. */
export type Unit =
  | 'none'
  | 'short'
  | 'bytes'
  | 'binBps'
  | 's'
  | 'percentunit'
  /** Operations a second. */
  | 'ops'
  /** Counts a second: rows. */
  | 'cps';

/** How a figure is written, and which figures are a reason to worry. */
export interface Scale {
  unit?: Unit;
  decimals?: number;
  min?: number;
  max?: number;
  thresholds?: readonly Step[];
  meanings?: Meanings;
}

interface Common extends Scale {
  title: string;
  /** What the panel shows, and when to worry. */
  about: string;
  /** Columns of the board's 24. */
  width?: number;
  /** Rows of the board's grid, about 38 pixels each. */
  height?: number;
}

/** Lines, or areas on top of each other, over the time. */
export interface TimeSeries extends Common {
  kind: 'timeseries';
  queries: readonly Query[];
  stacked: boolean;
}

/** One large figure for each series. */
export interface Stat extends Common {
  kind: 'stat';
  queries: readonly Query[];
  /** Whether the series' name is shown in place of its value. */
  names: boolean;
}

/** A figure on a scale with a beginning and an end. */
export interface Gauge extends Common {
  kind: 'gauge';
  queries: readonly Query[];
}

/** States, one line a series, over the time; `meanings` has the words. */
export interface StateTimeline extends Common {
  kind: 'state-timeline';
  queries: readonly Query[];
}

/** A column of a table: the values of a query. */
export interface Column extends Scale {
  query: Query;
  /** Whether the query is there for its labels only. */
  hidden?: boolean;
}

/** Rows of what is true now; queries with the same labels share a row. */
export interface Table extends Common {
  kind: 'table';
  columns: readonly Column[];
  /** Headings of labels, in their order; other labels are not shown. */
  labels: Readonly<Record<string, string>>;
  /** The board that a row's first label opens, with this variable set to its value. */
  opens?: { uid: string; variable: string };
}

/** Everything that a board shows. */
export type Panel = TimeSeries | Stat | Gauge | StateTimeline | Table;

/** A panel with its size in the grid. */
export type Sized = Panel & { width: number; height: number };

type Given<P extends Common> = Omit<P, 'kind'>;

/** Makes lines over the time; a third of the board wide. */
export const timeseries = (given: Omit<Given<TimeSeries>, 'stacked'> & { stacked?: boolean }): Sized & TimeSeries => ({
  width: 8,
  height: 8,
  thresholds: NEUTRAL,
  stacked: false,
  ...given,
  kind: 'timeseries',
});

/** Makes a large figure; six fit beside each other. */
export const stat = (given: Omit<Given<Stat>, 'names'> & { names?: boolean }): Sized & Stat => ({
  width: 4,
  height: 4,
  thresholds: NEUTRAL,
  names: false,
  ...given,
  kind: 'stat',
});

/** Makes a figure on a scale; the scale's end is needed. */
export const gauge = (given: Given<Gauge> & { max: number }): Sized & Gauge => ({
  width: 4,
  height: 4,
  min: 0,
  thresholds: NEUTRAL,
  ...given,
  kind: 'gauge',
});

/** Makes states over the time; half of the board wide. */
export const stateTimeline = (given: Given<StateTimeline> & { meanings: Meanings }): Sized & StateTimeline => ({
  width: 12,
  height: 8,
  thresholds: NEUTRAL,
  ...given,
  kind: 'state-timeline',
});

/** Makes a table; the whole board wide. */
export const table = (given: Given<Table>): Sized & Table => ({ width: 24, height: 8, ...given, kind: 'table' });

/** Returns the queries of a panel, in the order of their letters in Grafana. */
export const queriesOfPanel = (panel: Panel): readonly Query[] =>
  panel.kind === 'table' ? panel.columns.map((column) => column.query) : panel.queries;
