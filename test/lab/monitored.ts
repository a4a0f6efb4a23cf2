import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alertRules } from '../../roles/monitoring/rules/index.ts';
import { BOARDS, concrete, queriesOf } from '../../src/boards/index.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { promtoolTests } from '../support/alert-cases.ts';
import { test } from '../support/group.ts';
import { leaderOf, type TestLab, until } from '../support/lab.ts';

interface Target {
  health: string;
  lastError: string;
  labels: Record<string, string>;
}
interface Sample {
  metric: Record<string, string>;
}

/** Asks Prometheus on its own host; the answer's `data`. */
function prometheus<T>(lab: TestLab, path: string, query: Readonly<Record<string, string>> = {}): T {
  const [host] = lab.with('monitoring');
  const more = Object.entries(query).map(
    ([name, value]) => `--data-urlencode '${name}=${value.replaceAll("'", `'\\''`)}'`,
  );
  const { out } = lab.on(host!, `curl -sG ${more.join(' ')} http://127.0.0.1:9090/api/v1/${path}`);
  return (JSON.parse(out) as { data: T }).data;
}

const query = (lab: TestLab, expr: string) => prometheus<{ result: Sample[] }>(lab, 'query', { query: expr }).result;

/** Names of the alerts that fire, but for the one that always does. */
const firing = (lab: TestLab): string[] =>
  query(lab, 'group by (alertname) (ALERTS{alertstate="firing"})')
    .map(({ metric }) => metric.alertname!)
    .filter((name) => name !== 'Watchdog');

/** The tests of a cluster that is watched, on a lab of its own after its first apply. */
export function watched(lab: TestLab): void {
  const [watcher] = lab.with('monitoring');
  const { cluster } = loadInventory(lab.inventory);

  test(`${lab.cluster}: every target is read, and every module of every host is a target`, async () => {
    let targets: Target[] = [];
    await until('all targets are up', 90, () => {
      targets = prometheus<{ activeTargets: Target[] }>(lab, 'targets').activeTargets;
      return targets.length > 0 && targets.every(({ health }) => health === 'up');
    }).catch((cause: Error) => {
      const down = targets.filter(({ health }) => health !== 'up');
      throw new Error(`${cause.message}: ${JSON.stringify(down.map(({ labels, lastError }) => [labels, lastError]))}`);
    });
    const jobs = (host: string) => targets.flatMap(({ labels }) => (labels.host === host ? [labels.job!] : [])).sort();
    assert.deepEqual(jobs('db1'), ['etcd', 'node', 'patroni', 'postgres']);
    assert.deepEqual(jobs('proxy1'), ['haproxy', 'node']);
    assert.deepEqual(jobs(watcher!), ['alertmanager', 'node', 'pgbackrest', 'prometheus']);
  });

  test(`${lab.cluster}: every rule is healthy, every metric that one names is there, and promtool finds no fault`, async () => {
    const { groups } = prometheus<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
      lab,
      'rules',
    );
    const rules = groups.flatMap((one) => one.rules);
    assert.deepEqual(
      rules.filter(({ health }) => health === 'err'),
      [],
    );
    const there = new Set(prometheus<string[]>(lab, 'label/__name__/values'));
    // What a healthy cluster does not say: nothing is held, no drill was made, and a container keeps no clock of its own.
    const absent = /^(hapg_mark|hapg_drill_restore_last_success_seconds|node_timex_\w+)$/;
    const named = Object.values(alertRules(cluster))
      .flat()
      .flatMap(({ expr }) => expr.match(/\b\w+(?=\{cluster=)/g) ?? []);
    assert.deepEqual([...new Set(named)].filter((name) => !there.has(name) && !absent.test(name)).sort(), []);
    lab.on(watcher!, `mkdir -p /root/rules; cp /etc/prometheus/hapg/${lab.cluster}.rules.yml /root/rules/`);
    const tests = join(lab.directory, 'alerts.test.yml');
    writeFileSync(tests, promtoolTests(cluster, `${lab.cluster}.rules.yml`));
    lab.docker('cp', tests, `${lab.cluster}-${watcher}:/root/rules/test.yml`);
    const tried = lab.on(
      watcher!,
      'cd /root/rules && promtool test rules test.yml 2>&1; echo "code $?"; rm -r /root/rules',
    );
    assert.match(tried.out, /^code 0$/m, tried.out.slice(-3000));
  });

  test(`${lab.cluster}: nothing fires on a healthy cluster, nor during a switchover but that the leader changed`, async () => {
    await lab.healthy(60);
    await until('the first minutes are over', 240, () => firing(lab).every((name) => name === 'LeaderChanged'));
    const seen = new Set<string>();
    const { code, stderr } = await lab.hapg(['switchover', '--yes']);
    assert.equal(code, 0, stderr);
    const end = Date.now() + 60_000;
    await until('a minute is over', 90, () => {
      for (const name of firing(lab)) seen.add(name);
      return Date.now() > end;
    });
    assert.deepEqual(
      [...seen].filter((name) => name !== 'LeaderChanged'),
      [],
    );
    const { out } = lab.on(watcher!, 'amtool --alertmanager.url=http://127.0.0.1:9093 silence query -q');
    assert.equal(out, '', 'the silence of the switchover has ended');
  });

  test(`${lab.cluster}: every query of every board is answered, once there are figures of a minute`, () => {
    const empty: string[] = [];
    for (const board of BOARDS)
      for (const { panel, expr, mayBeEmpty } of queriesOf(board)) {
        const found = query(lab, concrete(expr, { cluster: lab.cluster, host: '.*', rate: '1m' }));
        // Boards fit every shape of a cluster; this one has no ZooKeeper.
        if (found.length === 0 && !mayBeEmpty && !expr.includes('job="zookeeper"'))
          empty.push(`${board.uid}, ${panel}: ${expr}`);
      }
    assert.deepEqual(empty, []);
  });

  test(`${lab.cluster}: what is broken is seen to fire, and to end`, async () => {
    const leader = leaderOf(await lab.healthy(60));
    const replica = lab.with('patroni').find((name) => name !== leader)!;
    const reads = (word: string) =>
      `echo "${['db1', 'db2', 'db3'].map((name) => `${word} server replica/${name}`).join('; ')}" | socat - /run/haproxy/admin.sock`;
    const faults = [
      { alert: 'BalancerWithoutReplicas', host: 'proxy1', breaks: reads('disable'), mends: reads('enable') },
      { alert: 'UnitNotActive', host: replica, breaks: 'systemctl stop etcd', mends: 'systemctl start etcd' },
      {
        alert: 'HostDown',
        host: 'proxy2',
        breaks: 'systemctl stop prometheus-exporter-exporter',
        mends: 'systemctl start prometheus-exporter-exporter',
      },
    ];
    for (const { host, breaks } of faults) lab.on(host, breaks);
    try {
      for (const { alert } of faults) await until(`${alert} fires`, 240, () => firing(lab).includes(alert));
    } finally {
      for (const { host, mends } of faults) lab.on(host, mends);
    }
    for (const { alert } of faults) await until(`${alert} ends`, 120, () => !firing(lab).includes(alert));
    await lab.healthy(60);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });
}
