import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { statusOf } from '../../src/status/status.ts';
import { prometheusStatus } from '../../src/view/status-prometheus.ts';
import { healthyLab, labCluster } from './model.ts';

const cluster = labCluster();
const NOW = Date.parse('2026-01-02');
const status = (all = healthyLab(), away = new Map<string, string>()) =>
  statusOf(cluster, takeSnapshot(all), away, undefined, NOW);
const lines = (text: string) => text.split('\n').filter((line) => !line.startsWith('#'));

describe('a status for Prometheus', () => {
  test('has a line for each figure, with the cluster and the host', () => {
    const found = lines(prometheusStatus([{ ...status(), healthy: true }]));
    for (const line of [
      'hapg_cluster_healthy{cluster="pglab"} 1',
      'hapg_dcs_quorum{cluster="pglab"} 1',
      'hapg_cluster_paused{cluster="pglab"} 0',
    ])
      assert.ok(found.includes(line), `${line} in\n${found.join('\n')}`);
    assert.ok(
      found.some((line) =>
        /^hapg_member_info\{cluster="pglab",host="db\d",role="leader",state="running"\} 1$/.test(line),
      ),
    );
  });

  test('counts problems by code and host', () => {
    const text = prometheusStatus([status(healthyLab(), new Map([['client', 'no answer']]))]);
    assert.ok(lines(text).includes('hapg_cluster_problems{cluster="pglab",code="unreachable",on="client"} 1'));
    assert.ok(lines(text).includes('hapg_cluster_healthy{cluster="pglab"} 0'));
  });

  test('has no line for what nobody could be asked for', () => {
    const text = prometheusStatus([status(new Map(), new Map(cluster.hosts.map(({ name }) => [name, 'no answer'])))]);
    for (const name of ['hapg_dcs_quorum', 'hapg_cluster_paused', 'hapg_backup_archive_ok', 'hapg_vip_held'])
      assert.doesNotMatch(text, new RegExp(name));
    assert.match(text, /hapg_cluster_unknown\{cluster="pglab",part="members"\} 1/);
  });

  test('explains every metric once, also of several clusters', () => {
    const text = prometheusStatus([status(), { ...status(), healthy: true, cluster: 'other' }]);
    const helped = [...text.matchAll(/^# HELP (\w+) \S.*$/gm)].map(([, name]) => name);
    assert.equal(new Set(helped).size, helped.length);
    assert.deepEqual(
      new Set(lines(text).map((line) => line.slice(0, line.indexOf('{')))),
      new Set(helped),
      'a metric without a line is not explained',
    );
    assert.match(text, /^hapg_cluster_healthy\{cluster="other"\} 1$/m);
  });

  test('escapes what a label may not hold', () => {
    const odd = { ...status(), problems: [{ code: 'a"b\\c\nd', host: '', message: '' }] };
    assert.ok(prometheusStatus([odd]).includes('code="a\\"b\\\\c\\nd"'));
  });
});
