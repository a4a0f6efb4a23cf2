import type { Column, Panel, Scale, Table } from './panel.ts';
import { queriesOfPanel } from './panel.ts';
import type { Meanings } from './thresholds.ts';

/** A data source as a panel names it. */
export interface Source {
  type: string;
  uid: string;
}

/** The letter of a panel's query; a panel has fewer than the alphabet. */
const letter = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);

const mappings = (meanings: Meanings) => [
  {
    type: 'value',
    options: Object.fromEntries(
      Object.entries(meanings).map(([value, { text, color }], index) => [value, { text, color, index }]),
    ),
  },
];

/** How Grafana writes and colors a figure. */
const defaults = ({ unit = 'none', decimals, min, max, thresholds, meanings }: Scale) => ({
  unit,
  ...(decimals === undefined ? {} : { decimals }),
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  ...(thresholds ? { thresholds: { mode: 'absolute', steps: thresholds } } : {}),
  mappings: meanings ? mappings(meanings) : [],
});

/** The kinds of panels that show the whole range of time. */
const OVER_TIME: readonly Panel['kind'][] = ['timeseries', 'state-timeline'];

/** The newest value of each series. */
const NEWEST = { calcs: ['lastNotNull'], fields: '', values: false } as const;

const LEGEND = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] } as const;

/** Returns what a column differs in from the others, by its heading. */
const columnOverride = ({ query, hidden, ...scale }: Column) => {
  const { mappings: words, thresholds, ...rest } = defaults(scale);
  return {
    matcher: { id: 'byName', options: query.legend },
    properties: [
      ...Object.entries(rest).map(([id, value]) => ({ id, value })),
      { id: 'mappings', value: words },
      ...(thresholds ? [{ id: 'thresholds', value: thresholds }] : []),
      ...(thresholds || scale.meanings ? [{ id: 'custom.cellOptions', value: { type: 'color-text' } }] : []),
    ],
  };
};

const tableParts = ({ columns, labels, opens }: Table) => {
  const [first = ''] = Object.values(labels);
  // A single query's values are called "Value", those of several have the query's letter.
  const fieldOf = (index: number): string => (columns.length === 1 ? 'Value' : `Value #${letter(index)}`);
  const shown = columns.map(({ query, hidden }, index) => ({ field: fieldOf(index), query, hidden }));
  const order = [...Object.keys(labels), ...shown.filter(({ hidden }) => !hidden).map(({ field }) => field)];
  return {
    fieldConfig: {
      defaults: {
        color: { mode: 'thresholds' },
        custom: { align: 'left', cellOptions: { type: 'auto' }, filterable: false },
        mappings: [],
      },
      overrides: [
        ...columns.filter(({ hidden }) => !hidden).map(columnOverride),
        ...(opens
          ? [
              {
                matcher: { id: 'byName', options: first },
                properties: [
                  {
                    id: 'links',
                    value: [
                      {
                        title: 'Open the board',
                        url: `/d/${opens.uid}?var-datasource=\${datasource}&var-${opens.variable}=\${__value.text}&\${__url_time_range}`,
                      },
                    ],
                  },
                ],
              },
            ]
          : []),
      ],
    },
    options: { showHeader: true, cellHeight: 'sm', footer: { show: false, reducer: ['sum'], fields: '' } },
    transformations: [
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: {
            Time: true,
            ...Object.fromEntries(shown.filter(({ hidden }) => hidden).map(({ field }) => [field, true])),
          },
          indexByName: Object.fromEntries(order.map((field, index) => [field, index])),
          renameByName: {
            ...labels,
            ...Object.fromEntries(shown.map(({ field, query }) => [field, query.legend])),
          },
        },
      },
    ],
  };
};

/** Returns what the kinds of panels differ in. */
function partsOf(panel: Panel): object {
  if (panel.kind === 'table') return tableParts(panel);
  const fields = (custom?: object) => ({
    fieldConfig: {
      defaults: {
        ...defaults(panel),
        // Lines are told apart by their color; a figure's color is its judgement.
        color: { mode: panel.kind === 'timeseries' ? 'palette-classic' : 'thresholds' },
        ...(custom ? { custom } : {}),
      },
      overrides: [],
    },
  });
  if (panel.kind === 'timeseries')
    return {
      ...fields({
        drawStyle: 'line',
        lineInterpolation: 'linear',
        lineWidth: 1,
        fillOpacity: panel.stacked ? 40 : 8,
        showPoints: 'auto',
        // A gap stays a gap: no answer is no value.
        spanNulls: false,
        stacking: { mode: panel.stacked ? 'normal' : 'none', group: 'A' },
        thresholdsStyle: { mode: (panel.thresholds?.length ?? 0) > 1 ? 'dashed' : 'off' },
        axisPlacement: 'auto',
      }),
      options: { legend: LEGEND, tooltip: { mode: 'multi', sort: 'desc' } },
    };
  if (panel.kind === 'stat')
    return {
      ...fields(),
      options: {
        reduceOptions: NEWEST,
        colorMode: 'value',
        graphMode: 'none',
        justifyMode: 'auto',
        orientation: 'auto',
        textMode: panel.names ? 'name' : 'auto',
      },
    };
  if (panel.kind === 'gauge')
    return {
      ...fields(),
      options: { reduceOptions: NEWEST, orientation: 'auto', showThresholdLabels: false, showThresholdMarkers: true },
    };
  return {
    ...fields({ fillOpacity: 70, lineWidth: 0 }),
    options: {
      mergeValues: true,
      showValue: 'auto',
      alignValue: 'left',
      rowHeight: 0.9,
      legend: LEGEND,
      tooltip: { mode: 'single', sort: 'none' },
    },
  };
}

/** Returns a panel as Grafana's dashboards have it, without its number and place. */
export const panelJson = (panel: Panel, source: Source): object => ({
  type: panel.kind,
  title: panel.title,
  description: panel.about,
  datasource: source,
  targets: queriesOfPanel(panel).map(({ expr, legend }, index) => ({
    refId: letter(index),
    datasource: source,
    editorMode: 'code',
    expr,
    legendFormat: legend,
    format: panel.kind === 'table' ? 'table' : 'time_series',
    // Figures of now are asked for now: the newest value of a range would still show a leader of an hour ago.
    ...(OVER_TIME.includes(panel.kind) ? { instant: false, range: true } : { instant: true, range: false }),
  })),
  ...partsOf(panel),
});
