import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { alertRules, rulesYaml } from '../../roles/monitoring/rules/index.ts';
import { longestGapDays } from '../../roles/monitoring/rules/schedule.ts';
import { parseInventory } from '../../src/inventory/load.ts';

const shape = (name: string) => {
  const text = readFileSync(`inventory/${name}`, 'utf8');
  return (more = '', edit = (one: string) => one) =>
    parseInventory(`${edit(text)}\n${more}`, `inventory/${name}`).cluster;
};
const monitored = shape('monitored.yaml');
const rulesOf = (cluster: Parameters<typeof alertRules>[0]) => Object.values(alertRules(cluster)).flat();
const names = (cluster: Parameters<typeof alertRules>[0]) => rulesOf(cluster).map(({ alert }) => alert);
const rule = (cluster: Parameters<typeof alertRules>[0], name: string) =>
  rulesOf(cluster).find(({ alert }) => alert === name)!;
const external = 'monitoring: {external: {from: [10.0.0.0/24]}}';
const EVERY = [
  monitored(),
  shape('pgbouncer.yaml')(external),
  shape('zookeeper.yaml')(external),
  monitored('', (text) => text.replace(/^cluster: .*$/m, '$&\npatroni: {watchdog: required}')),
];

describe('alert rules', () => {
  test('are explained one by one, with their severity, and nothing else is', () => {
    const text = readFileSync('docs/alerts.md', 'utf8');
    const explained = new Map(
      [...text.matchAll(/^### (\w+)\n(critical|warning|info)(, planned)?\. /gm)].map(([, name, severity, planned]) => [
        name!,
        `${severity}${planned ?? ''}`,
      ]),
    );
    const there = new Map(
      EVERY.flatMap(rulesOf).map(({ alert, severity, planned }) => [alert, `${severity}${planned ? ', planned' : ''}`]),
    );
    assert.deepEqual(Object.fromEntries([...explained].sort()), Object.fromEntries([...there].sort()));
  });

  test('are about this cluster alone, whoever else is read by the same Prometheus', () => {
    for (const cluster of EVERY)
      for (const { alert, expr } of rulesOf(cluster)) {
        const bare = expr.match(
          /\b(?:up|(?:patroni|pg|pgbouncer|pgbackrest|haproxy|etcd|node|hapg)_\w+)\b(?!\{cluster="|[\w"])/g,
        );
        assert.deepEqual(bare, null, alert);
      }
  });

  test('have one line of words each, a command of hapg to begin with, and a name of their own', () => {
    for (const cluster of EVERY) {
      const all = rulesOf(cluster);
      assert.equal(new Set(all.map(({ alert }) => alert)).size, all.length);
      for (const { alert, summary, run } of all) {
        assert.match(run, /^hapg \w/, alert);
        assert.doesNotMatch(summary, /\n|\.$/, alert);
        for (const [, field] of summary.matchAll(/\$labels\.(\w+)/g)) assert.match(field!, /^[a-z_]+$/, alert);
      }
    }
  });

  test('are those of what the inventory has', () => {
    const lab = names(monitored());
    for (const one of ['VipNotHeldOnce', 'SyncStandbyMissing', 'BackupTooOld', 'EtcdNoLeader', 'BalancersDisagree'])
      assert.ok(lab.includes(one), one);
    assert.ok(!lab.includes('PoolPaused') && names(EVERY[1]!).includes('PoolPaused'));
    assert.ok(names(EVERY[2]!).includes('DcsQuorumAtRisk') && !names(EVERY[2]!).includes('EtcdNoLeader'));
    const without = (edit: (text: string) => string) => names(monitored('', edit));
    assert.ok(
      !without((text) => text.replace(/^cluster: .*$/m, '$&\nreplication: async')).includes('SyncStandbyMissing'),
    );
  });

  test('take their numbers from the inventory', () => {
    assert.match(rule(monitored(), 'ReplicasMissing').expr, /< 2$/);
    assert.match(rule(monitored(), 'DcsQuorumAtRisk').expr, /< 3$/);
    assert.equal(rule(monitored(), 'TwoLeaders').for, 30, 'all targets were read again by then');
  });

  test('that wait at all wait until every host was looked at twice, however slow the pace', () => {
    const slow = monitored('', (text) => text.replace('monitoring:', 'monitoring:\n  scrape_interval: 60s'));
    for (const { alert, for: seconds } of rulesOf(slow))
      assert.ok(seconds === 0 || seconds >= 75, `${alert}: ${seconds}`);
    assert.ok(rule(slow, 'NoLeader').for >= 75 + 15, 'a switchover takes up to 15 s');
  });

  test('count only replicas as replicas: the leader of a standby cluster streams too', () => {
    assert.match(rule(monitored(), 'ReplicasMissing').expr, /patroni_replica\{[^}]*\} == 1/);
  });

  test('are YAML that says how long, how bad, and whether planned work can cause it', () => {
    const { groups } = parse(rulesYaml(monitored())) as {
      groups: { rules: { alert: string; for?: string; labels: Record<string, string> }[] }[];
    };
    const written = groups.flatMap(({ rules }) => rules).find(({ alert }) => alert === 'PostgresDown')!;
    assert.equal(written.for, '60s');
    assert.deepEqual(written.labels, { severity: 'critical', planned: 'yes', cluster: monitored().name });
  });
});

describe('the longest time between two backups', () => {
  for (const [calendars, days] of [
    [['daily'], 1],
    [['hourly', 'Sun 01:00'], 1],
    [['Sun 01:00'], 7],
    [['Sun 01:00', 'Mon..Sat 01:00'], 1],
    [['Sun 01:00', 'Wed 01:00'], 4],
    [['Sat,Sun 03:00'], 6],
    [['Fri..Mon 03:00'], 4],
    [['*-*-* 02:00:00'], 1],
    [['02:30'], 1],
    [['*-*-01 02:00'], 31],
    [['monthly'], 31],
    [['Sun *-*-* 01:00'], 7],
    [['Sun *-*-1..7 01:00'], undefined],
    [['2026-01-01'], undefined],
    [[], undefined],
  ] as const)
    test(`of ${calendars.join(' and ') || 'no schedule'} is ${days === undefined ? 'not told' : `${days} days`}`, () =>
      assert.equal(longestGapDays(calendars), days));
});
