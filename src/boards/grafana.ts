import type { Board, Variable } from './board.ts';
import { panelJson } from './grafana-panel.ts';
import { COLUMNS, layout } from './layout.ts';

/** The sign of a file that `hapg boards` made, and may write anew. */
export const MARKER = 'Made by hapg boards; what is changed here is lost when it runs again.';

/** The tag of all boards, by which they link to each other. */
const TAG = 'hapg';

/** The version of the dashboards' form that Grafana 10.0 writes; newer ones read and raise it. */
const SCHEMA_VERSION = 38;

/** The data source that the operator chooses at the top of a board. */
const SOURCE = { type: 'prometheus', uid: '${datasource}' } as const;

/** The variable for the data source: any Prometheus of this Grafana. */
const DATASOURCE = {
  name: 'datasource',
  type: 'datasource',
  label: 'Prometheus',
  query: 'prometheus',
  regex: '',
  current: {},
  options: [],
  hide: 0,
  includeAll: false,
  multi: false,
  refresh: 1,
} as const;

const variableJson = ({ name, label, from, several }: Variable) => {
  const query = `label_values(${from}, ${name})`;
  return {
    name,
    type: 'query',
    label,
    datasource: SOURCE,
    definition: query,
    query: { query, refId: name },
    regex: '',
    // All are chosen at first where several may be; else Grafana takes the first one.
    current: several ? { selected: true, text: ['All'], value: ['$__all'] } : {},
    options: [],
    hide: 0,
    includeAll: several,
    ...(several ? { allValue: '.*' } : {}),
    multi: several,
    // Asked again when the time range changes, so that a host that is gone can be chosen for the time when it was there.
    refresh: 2,
    sort: 1,
  };
};

/**
 * A change of leader raises the timeline. One series with the value 1 while it is raised: Grafana makes a mark of each
 * stretch without a gap. A member whose PostgreSQL is down says 0, which the greatest of all hides.
 */
const leaderChanged = (board: Board) => {
  const cluster = board.variables.some(({ name, several }) => name === 'cluster' && several)
    ? 'cluster=~"$cluster"'
    : 'cluster="$cluster"';
  const timeline = `patroni_postgres_timeline{${cluster}}`;
  return {
    name: 'Change of leader',
    datasource: SOURCE,
    enable: true,
    hide: false,
    iconColor: 'orange',
    expr: `count by (cluster) (max by (cluster) (${timeline}) > max by (cluster) (${timeline} offset 5m))`,
    step: '60s',
    titleFormat: 'Change of leader',
    textFormat: '{{cluster}}: a member was promoted, the timeline was raised',
    tagKeys: 'cluster',
    useValueForTime: false,
  };
};

/** The JSON of a dashboard, as Grafana's provisioning reads it. */
export interface Dashboard {
  uid: string;
  panels: object[];
  [key: string]: unknown;
}

/** Returns a board as Grafana's dashboard (schema of Grafana 10.0), the same for the same board. */
export const dashboardOf = (board: Board): Dashboard => ({
  // Grafana gives each board its own number.
  id: null,
  uid: board.uid,
  title: board.title,
  description: `${board.about} ${MARKER}`,
  tags: [TAG],
  schemaVersion: SCHEMA_VERSION,
  version: 1,
  editable: true,
  graphTooltip: 1,
  refresh: '30s',
  time: { from: 'now-3h', to: 'now' },
  timezone: 'browser',
  liveNow: false,
  fiscalYearStartMonth: 0,
  weekStart: '',
  style: 'dark',
  timepicker: {},
  links: [
    {
      type: 'dashboards',
      title: 'Boards',
      tags: [TAG],
      asDropdown: false,
      icon: 'external link',
      includeVars: true,
      keepTime: true,
      targetBlank: false,
      tooltip: '',
      url: '',
    },
  ],
  annotations: { list: [leaderChanged(board)] },
  templating: { list: [DATASOURCE, ...board.variables.map(variableJson)] },
  panels: layout(board.sections).map(({ id, place, heading, panel }) =>
    panel
      ? { id, gridPos: place, ...panelJson(panel, SOURCE) }
      : { id, gridPos: { ...place, w: COLUMNS }, type: 'row', title: heading, collapsed: false, panels: [] },
  ),
});
