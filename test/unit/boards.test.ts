import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { BOARDS, boardFiles, concrete, queriesOf } from '../../src/boards/index.ts';
import { layout } from '../../src/boards/layout.ts';
import { stat } from '../../src/boards/panel.ts';
import { FROM_ENVIRONMENT } from '../../src/boards/provisioning.ts';
import { query } from '../../src/boards/query.ts';
import { giverOf } from '../support/known-metrics.ts';
import { parsePromql } from '../support/promql.ts';

interface Target {
  expr: string;
  refId: string;
  legendFormat: string;
  instant: boolean;
}
interface PanelJson {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
  fieldConfig?: { defaults: { thresholds?: { steps: { value: number | null }[] } } };
  transformations?: { id: string; options: { renameByName?: Record<string, string> } }[];
}
interface DashboardJson {
  id: null;
  uid: string;
  title: string;
  schemaVersion: number;
  tags: string[];
  panels: PanelJson[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
  annotations: { list: { expr: string }[] };
}

const FILES = boardFiles('/srv/boards', FROM_ENVIRONMENT);
const DASHBOARDS = [...FILES]
  .filter(([path]) => path.endsWith('.json'))
  .map(([path, text]) => ({ path, text, board: JSON.parse(text) as DashboardJson }));

/** Variables that Grafana itself defines. */
const OWN_VARIABLES = ['__rate_interval', '__url_time_range', '__value'];
const CHOSEN = { cluster: 'pglab' };

/** Every expression that a board has in any place: panels, the marks on the time axis, what can be chosen. */
const expressionsOf = ({ panels, annotations, templating }: DashboardJson): string[] => [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...annotations.list.map(({ expr }) => expr),
  ...templating.list.flatMap(({ query: asked }) =>
    typeof asked === 'string' ? [] : [/^label_values\((.*), \w+\)$/.exec(asked.query)![1]!],
  ),
];

test('there are nine boards, each with an address and a title of its own', () => {
  assert.equal(DASHBOARDS.length, 9);
  for (const one of ['uid', 'title'] as const)
    assert.equal(new Set(DASHBOARDS.map(({ board }) => board[one])).size, 9, one);
  for (const { path, board } of DASHBOARDS) {
    assert.equal(path, `dashboards/${board.uid}.json`);
    assert.match(board.uid, /^hapg-[a-z]+$/);
    assert.equal(board.id, null);
    assert.ok(board.schemaVersion >= 38, 'older than Grafana 10');
    assert.deepEqual(board.tags, ['hapg']);
  }
});

for (const { board, text } of DASHBOARDS) {
  const panels = board.panels.filter(({ type }) => type !== 'row');

  test(`${board.uid}: panels have numbers of their own and stand beside each other within 24 columns`, () => {
    assert.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of board.panels) {
      assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, `${title} is outside the board`);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.equal(taken.get(`${x} ${y}`), undefined, `${title} lies over another panel`);
          taken.set(`${x} ${y}`, title);
        }
    }
  });

  test(`${board.uid}: the last line of each section is full`, () => {
    const bottomOf = ({ gridPos: { y, h } }: PanelJson): number => y + h;
    const ends = [
      ...board.panels.filter(({ type }) => type === 'row').map(({ gridPos }) => gridPos.y),
      Math.max(...board.panels.map(bottomOf)),
    ];
    for (const end of ends.slice(1)) {
      const last = board.panels.filter((panel) => bottomOf(panel) === end);
      assert.equal(
        last.reduce((sum, { gridPos }) => sum + gridPos.w, 0),
        24,
        `columns of ${last.map(({ title }) => title).join(', ')}`,
      );
    }
  });

  test(`${board.uid}: each panel says what it shows and when to worry`, () => {
    assert.ok(panels.length >= 6);
    for (const { title, description = '' } of panels) {
      assert.match(description, /^[A-Z].{20,}\.$/, title);
      assert.ok(description.length <= 200, `${title}: ${description.length} characters`);
    }
    const judged = panels.filter(({ description }) => /\b[Ww]orry\b/.test(description!));
    assert.ok(judged.length >= panels.length * 0.8, 'too few panels say when to worry');
  });

  test(`${board.uid}: each query has a name and a letter, and figures of now are asked for now`, () => {
    for (const { title, type, targets = [] } of panels) {
      assert.ok(targets.length > 0, title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      for (const { legendFormat, instant } of targets) {
        assert.ok(legendFormat, title);
        assert.equal(instant, ['stat', 'gauge', 'table'].includes(type), title);
      }
    }
  });

  test(`${board.uid}: series of a panel can be told apart, because a label that is in their name is kept`, () => {
    for (const { title, type, targets = [] } of panels)
      for (const { expr, legendFormat } of targets) {
        const kept = [...expr.matchAll(/\b(?:by|group_left|group_right) \(([^)]*)\)/g)].flatMap(([, labels]) =>
          labels!.split(/, */),
        );
        const aggregated = /^(sum|max|min|avg|count) by /.test(expr);
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          assert.ok(!aggregated || kept.includes(label!), `${title}: ${legendFormat}`);
        if (type === 'timeseries' && targets.length > 1)
          assert.equal(new Set(targets.map((one) => one.legendFormat)).size, targets.length, title);
      }
  });

  test(`${board.uid}: a table shows the labels that its queries keep, and no other`, () => {
    for (const { title, targets = [], transformations = [] } of panels.filter(({ type }) => type === 'table')) {
      const headings = transformations.find(({ id }) => id === 'organize')!.options.renameByName!;
      for (const { expr } of targets) {
        const [, labels] = /^(?:sum|max|min|count) by \(([^)]*)\)/.exec(expr)!;
        for (const label of labels!.split(', ')) assert.ok(headings[label], `${title}: ${label}`);
      }
    }
  });

  test(`${board.uid}: thresholds rise`, () => {
    for (const { title, fieldConfig } of panels) {
      const steps = fieldConfig!.defaults.thresholds?.steps.map(({ value }) => value ?? Number.NEGATIVE_INFINITY) ?? [];
      assert.deepEqual(
        steps,
        steps.toSorted((a, b) => a - b),
        title,
      );
    }
  });

  test(`${board.uid}: every variable that it uses is defined, and every one that it defines is used`, () => {
    const defined = board.templating.list.map(({ name }) => name);
    const used = new Set([...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name!));
    const links = new Set(['__all']);
    assert.deepEqual(
      [...used].filter((name) => !defined.includes(name) && !OWN_VARIABLES.includes(name) && !links.has(name)),
      [],
    );
    const inPanels = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
    for (const name of defined.filter((one) => one !== 'datasource'))
      assert.ok(inPanels.includes(`$${name}`), `${name} is not used`);
  });

  test(`${board.uid}: Prometheus understands every expression`, () => {
    const expressions = expressionsOf(board);
    assert.ok(expressions.length > 7);
    for (const expr of expressions) assert.deepEqual(parsePromql(concrete(expr, CHOSEN)).faults, []);
  });

  test(`${board.uid}: every metric is one that an exporter of Debian 13 gives`, () => {
    for (const expr of expressionsOf(board)) {
      const { metrics } = parsePromql(concrete(expr, CHOSEN));
      assert.ok(metrics.size > 0, expr);
      assert.deepEqual(
        [...metrics].filter((metric) => !giverOf(metric)),
        [],
        expr,
      );
    }
  });

  test(`${board.uid}: every selector is bound to the chosen cluster`, () => {
    for (const expr of panels.flatMap(({ targets = [] }) => targets.map((target) => target.expr)))
      for (const metric of parsePromql(concrete(expr, CHOSEN)).metrics)
        for (const [, matchers] of expr.matchAll(new RegExp(`\\b${metric}\\b(\\{[^}]*\\})?`, 'g')))
          assert.match(matchers ?? '', /^\{cluster=~?"\$cluster"/, `${metric} in ${expr}`);
  });
}

test('a location of WAL is no counter: after a failover it falls a little, which a rate would show as gigabytes', () => {
  const located = BOARDS.flatMap(queriesOf).filter(({ expr }) => /deriv\(.*_(location|lsn)\{/.test(expr));
  assert.equal(located.length, 4);
  for (const { panel, expr } of BOARDS.flatMap(queriesOf))
    assert.doesNotMatch(expr, /\b(rate|increase)\([^[]*_(location|lsn)\{/, panel);
});

test('the parser finds a fault, and who gives a metric is not guessed', () => {
  assert.equal(parsePromql('sum by (host (up)').faults.length > 0, true);
  assert.deepEqual([...parsePromql('rate(a_total{b="c"}[5m]) / on (d) up').metrics].sort(), ['a_total', 'up']);
  assert.equal(giverOf('patroni_master'), undefined);
});

test('queries of a board come with the panel that asks them, and say where nothing is an answer', () => {
  const all = BOARDS.flatMap(queriesOf);
  assert.equal(
    all.length,
    DASHBOARDS.flatMap(({ board }) => board.panels.flatMap(({ targets = [] }) => targets)).length,
  );
  const alerts = all.filter(({ panel }) => panel === 'Firing alerts');
  assert.deepEqual(
    alerts.map(({ board, mayBeEmpty }) => [board, mayBeEmpty]),
    [
      ['hapg-clusters', false],
      ['hapg-cluster', true],
    ],
  );
  for (const { expr } of all) assert.doesNotMatch(concrete(expr, CHOSEN), /\$(?!1")/, 'a variable was left');
});

test('a board whose panel is wider than the grid is refused', () => {
  const wide = stat({ title: 'Wide', about: '', width: 25, queries: [query('up', 'up')] });
  assert.throws(() => layout([{ title: 'Now', panels: [wide] }]), /Now, Wide: 25 of 24 columns/);
});

test('the boards are the same whenever they are made', () => {
  assert.deepEqual([...boardFiles('/srv/boards', FROM_ENVIRONMENT)], [...FILES]);
});

test('Grafana finds the boards where it sees the directory, and a dollar there is no variable', () => {
  const pathIn = (seenAt: string): string =>
    parse(boardFiles(seenAt, FROM_ENVIRONMENT).get('provisioning/dashboards/hapg.yaml')!).providers[0].options.path;
  assert.equal(pathIn('/srv/boards'), '/srv/boards/dashboards');
  assert.equal(pathIn('/srv/boards/'), '/srv/boards/dashboards');
  assert.equal(pathIn('/srv/a$b'), '/srv/a$$b/dashboards');
});

test('the data source has no secret: its key comes out of the environment of Grafana', () => {
  const { datasources } = parse(FILES.get('provisioning/datasources/hapg.yaml')!);
  assert.equal(datasources[0].url, '${HAPG_PROMETHEUS_URL}');
  assert.deepEqual(datasources[0].secureJsonData, {
    tlsCACert: '${HAPG_PROMETHEUS_CA}',
    tlsClientCert: '${HAPG_PROMETHEUS_CERT}',
    tlsClientKey: '${HAPG_PROMETHEUS_KEY}',
  });
});
