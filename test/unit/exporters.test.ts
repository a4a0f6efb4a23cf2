import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { apply } from '../../playbooks/apply.ts';
import { exporters, exportersCertificates, exportersPrepare } from '../../roles/exporters/exporters.ts';
import { proxyConfig } from '../../roles/exporters/proxy.ts';
import { scrapeFile } from '../../roles/exporters/scrape.ts';
import { exporterUnits, PROXY_UNIT } from '../../roles/exporters/units.ts';
import { hbaLines } from '../../roles/patroni/hba.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { probeScript } from '../../src/engine/probe.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { type Cluster, type Host, hostsWith } from '../../src/inventory/model.ts';
import { render } from '../../src/render.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import type { FileWant } from '../../src/steps/file.ts';
import type { RemovedWant } from '../../src/steps/removed.ts';
import type { Remote, Step } from '../../src/steps/step.ts';
import { contextFor, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const MON = 'hosts:\n  mon:    {address: 10.1.1.17, roles: [monitoring]}\n';
const cluster = labCluster(['hosts:\n', MON]);
const context = await contextFor(cluster);
const hostOf = (name: string, of: Cluster = cluster) => of.hosts.find((one) => one.name === name)!;
const text = (steps: readonly Step[], path: string): string => {
  const found = steps.map((one) => one.want as FileWant).find((want) => want.path?.endsWith(path));
  assert.ok(found, `there is no ${path}`);
  return String(found.content);
};
/** The file of any role with this end, as the whole apply of a host has it. */
const file = (name: string, path: string, of = context): string =>
  text(
    allSteps(apply, hostOf(name, of.cluster), of, { hosts: of.cluster.hosts, roles: new Set(ROLE_NAMES) }).flatMap(
      ({ steps }) => steps,
    ),
    path,
  );

test('every exporter listens on the loopback address, and the proxy with certificates on both sides', () => {
  for (const { name } of cluster.hosts) {
    const units = exportersPrepare(hostOf(name), context)
      .map((one) => one.want as FileWant)
      .filter(({ path }) => path?.endsWith('.service'));
    assert.ok(units.length >= 2, name);
    for (const { path, content } of units) {
      if (path.includes('exporter-exporter')) continue;
      assert.match(String(content), /--web\.listen-address=127\.0\.0\.1:\d+ /, path);
    }
    const proxy = text(exportersPrepare(hostOf(name), context), 'exporter-exporter.service');
    assert.match(proxy, / -web\.listen-address= -web\.tls\.listen-address=10\.1\.1\.\d+:9998 -web\.tls\.verify /);
    // A dollar is doubled in a unit.
    assert.match(proxy, /"-web\.tls\.certmatch=\^\(prometheus\[\.\]pglab\)\$\$"/);
  }
});

test('the units are there before the packages that would start others of the same name', () => {
  const stages = allSteps(apply, hostOf('db1'), context, { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) });
  const at = (id: string) => stages.findIndex(({ steps }) => steps.some((one) => one.id === id));
  assert.ok(at('file /etc/systemd/system/prometheus-postgres-exporter.service') < at('packages exporters'));
});

test('a repository below /mnt is seen, and the state of no unit but those of the cluster is told', () => {
  const unit = text(exportersPrepare(hostOf('db1'), context), 'node-exporter.service');
  const mounts = new RegExp(/mount-points-exclude=([^"]+)"/.exec(unit)![1]!.replaceAll('$$', '$'));
  assert.ok(mounts.test('/proc') && mounts.test('/var/lib/docker/x'));
  assert.ok(!mounts.test('/mnt/backups') && !mounts.test('/var/lib/postgresql'));
  const units = new RegExp(/unit-include=([^"]+)"/.exec(unit)![1]!.replaceAll('$$', '$'));
  for (const one of ['patroni.service', 'etcd.service', 'pgbackrest-full.timer', 'hapg-undo-update.timer'])
    assert.ok(units.test(one), one);
  for (const one of ['cron.service', 'patroniXservice', 'haproxy.service', 'user@0.service'])
    assert.ok(!units.test(one), one);
});

test('nothing that carries data changes for metrics but etcd, which restarts one by one', () => {
  const plain = labCluster();
  const restarts = (steps: readonly Step[]) =>
    steps.flatMap((one) => one.notify.filter(({ action }) => action === 'restart').map(({ unit }) => unit));
  assert.match(file('db1', 'etcd.env'), /ETCD_LISTEN_METRICS_URLS=http:\/\/127\.0\.0\.1:2381\n/);
  assert.match(file('proxy1', 'haproxy.cfg'), /bind 127\.0\.0\.1:8405\n/);
  const own = new Set(restarts(exporters(hostOf('db1'), context)));
  assert.deepEqual([...own].sort(), ['prometheus-exporter-exporter.service', 'prometheus-node-exporter-hapg.timer']);
  assert.ok(!hbaLines(plain).some((line) => line.includes('hapg_monitor')));
});

test('a cluster that nobody watches has the files of before', async () => {
  const plain = await contextFor(labCluster());
  assert.doesNotMatch(file('db1', 'etcd.env', plain), /METRICS/);
  assert.doesNotMatch(file('proxy1', 'haproxy.cfg', plain), /frontend metrics/);
  const pooled = await contextFor(parseInventory(readFileSync('inventory/pgbouncer.yaml', 'utf8'), 'p.yaml').cluster);
  assert.doesNotMatch(file('pg1', 'listen.ini', pooled), /unix/);
  assert.match(file('pg1', 'pgbouncer.ini', pooled), /\nunix_socket_dir =\n/);
});

test('the pool has a socket for its own account when it is watched', async () => {
  const inventory = readFileSync('inventory/pgbouncer.yaml', 'utf8').replace(
    'roles: [pgbackrest',
    'roles: [monitoring, pgbackrest',
  );
  const pooled = await contextFor(parseInventory(inventory, 'p.yaml').cluster);
  assert.match(file('pg1', 'listen.ini', pooled), /\nunix_socket_dir = \/run\/hapg-pool\nunix_socket_mode = 0700\n$/);
  assert.doesNotMatch(file('pg1', 'pgbouncer.ini', pooled), /unix_socket_dir/);
  assert.match(
    file('pg1', 'pgbouncer.service.d/hapg.conf', pooled),
    /RuntimeDirectory=hapg-pool\nRuntimeDirectoryMode=0700/,
  );
  assert.match(
    file('pg1', 'prometheus-pgbouncer-exporter.service', pooled),
    /User=postgres[\s\S]*host=\/run\/hapg-pool&port=6432/,
  );
});

test('the exporter of PostgreSQL logs in by its account alone, into one database', () => {
  const lines = hbaLines(cluster);
  assert.ok(lines.indexOf('local postgres hapg_monitor peer') < lines.indexOf('local all all reject'));
  assert.ok(lines.includes('host all hapg_monitor all reject'));
  const unit = text(exportersPrepare(hostOf('db1'), context), 'postgres-exporter.service');
  assert.match(unit, /^User=hapg_monitor$/m);
  assert.doesNotMatch(unit, /password/);
});

test('the proxy reads what the host has, and Patroni at its own port', () => {
  const modules = (parse(proxyConfig(hostOf('db1'), cluster)) as { modules: Record<string, { http: object }> }).modules;
  assert.deepEqual(Object.keys(modules), ['node', 'postgres', 'patroni', 'etcd']);
  assert.deepEqual(modules.patroni!.http, {
    scheme: 'https',
    address: '10.1.1.10',
    port: 8008,
    path: '/metrics',
  });
});

test("the proxy trusts Patroni's authority, in the way that has an effect, and begins anew with another one", async () => {
  const context = await contextFor(cluster);
  const [db1, proxy1] = [hostOf('db1'), hostOf('proxy1')];
  const unitOf = (host: Host) => exporterUnits(host, cluster).find(({ name }) => name === PROXY_UNIT)!.content;
  assert.match(unitOf(db1), /^Environment="?SSL_CERT_FILE=\/\S+\/patroni-ca\.crt"?$/m);
  assert.doesNotMatch(unitOf(proxy1), /SSL_CERT_FILE/);
  const trust = exportersCertificates(db1, context).find(({ id }) => id.endsWith('/patroni-ca.crt'))!;
  assert.deepEqual(trust.notify, [{ unit: PROXY_UNIT, action: 'restart' }]);
});

test('the clock of a container is not judged: it is that of its machine', () => {
  const node = (container: boolean) =>
    exporterUnits(hostOf('db1'), cluster, { container }).find(({ name }) => name.includes('node-exporter'))!.content;
  assert.match(node(true), /--no-collector\.timex/);
  assert.doesNotMatch(node(false), /timex/);
});

test('every target has the job and the labels that alerts and boards ask for', () => {
  const groups = JSON.parse(scrapeFile(cluster)) as { targets: string[]; labels: Record<string, string> }[];
  assert.deepEqual(
    groups.filter(({ labels }) => labels.host === 'backup').map(({ targets, labels }) => [targets, labels]),
    ['node', 'pgbackrest'].map((job) => [
      ['10.1.1.13:9998'],
      { job, __param_module: job, cluster: 'pglab', host: 'backup' },
    ]),
  );
  assert.deepEqual(new Set(groups.map(({ labels }) => labels.host)), new Set(cluster.hosts.map(({ name }) => name)));
  const apart = parseInventory(
    `${readFileSync('inventory/multi-dc.yaml', 'utf8')}  mon: {address: 10.1.11.30, roles: [monitoring], datacenter: a}\n`,
    'm.yaml',
  ).cluster;
  assert.ok(scrapeFile(apart).includes('"datacenter": "b"'));
});

test('a Prometheus elsewhere finds what it needs in one directory of one host', async () => {
  const there = await contextFor(labCluster(['hosts:\n', 'monitoring: {external: {from: [10.9.0.0/24]}}\nhosts:\n']));
  const [first, ...others] = there.cluster.hosts;
  const steps = exporters(first!, there);
  const places = steps.map(({ id }) => id).filter((id) => id.includes('/external'));
  assert.deepEqual(places, [
    'directory /etc/prometheus-exporter-exporter/external',
    'file /etc/prometheus-exporter-exporter/external/ca.crt',
    'certificate /etc/prometheus-exporter-exporter/external/prometheus.pglab',
    'file /etc/prometheus-exporter-exporter/external/pglab.json',
    'file /etc/prometheus-exporter-exporter/external/pglab.rules.yml',
    'file /etc/prometheus-exporter-exporter/external/scrape.yml',
  ]);
  const [config] = parse(text(steps, 'scrape.yml')) as Record<string, unknown>[];
  assert.equal(config!.metrics_path, '/proxy');
  for (const other of others)
    assert.ok(!exporters(other, there).some(({ kind, id }) => kind.name === 'certificate' && id.includes('/external')));
  assert.ok(!scrapeFile(there.cluster).includes('"job": "prometheus"'));
});

test('where nobody watches any more, what hapg made goes, and an exporter of somebody else stays', async () => {
  const plain = await contextFor(labCluster());
  const steps = exporters(plain.cluster.hosts[0]!, plain);
  assert.deepEqual(
    steps.map(({ kind }) => kind.name),
    ['removed'],
  );
  const want = steps[0]!.want as RemovedWant;
  assert.ok(want.units.includes('prometheus-node-exporter.service'));
  assert.deepEqual(want.accounts, ['hapg_monitor']);
  // What is written while the cluster is watched is what goes.
  for (const { name } of cluster.hosts)
    for (const step of [...exportersPrepare(hostOf(name), context), ...exporters(hostOf(name), context)]) {
      const path = (step.want as FileWant).path;
      if (step.kind.name !== 'file' || path.startsWith('/etc/prometheus-exporter-exporter/')) continue;
      assert.ok(want.paths.includes(path), path);
    }
  const { kind } = steps[0]!;
  const said = (mark: string) => {
    const one = { ...steps[0]!, want: { ...want, mark } };
    const { code, out } = sh(kind.probe([one]));
    assert.equal(code, 0);
    return kind.diff(one, kind.parse(out, [one]).get(one.id))?.action;
  };
  const own = programs({});
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${own}/ours`, '# Managed by hapg.\n');
  writeFileSync(`${own}/theirs`, '[Unit]\nDescription=hapg is not in the first line\n');
  assert.equal(said(`${own}/ours`), 'remove');
  assert.equal(said(`${own}/theirs`), undefined);
  assert.equal(said(`${own}/none`), undefined);
});

test('what goes is stopped first, and the file that says it is ours goes last, so that a broken run is done again', async () => {
  const plain = await contextFor(labCluster());
  const [step] = exporters(plain.cluster.hosts[0]!, plain);
  let script = '';
  const remote = {
    run: async (text: string) => {
      script = text;
      return '';
    },
  } as unknown as Remote;
  await step!.kind.change(step!, true, remote);
  const at = (part: string) => {
    const index = script.indexOf(part);
    assert.ok(index >= 0, part);
    return index;
  };
  assert.ok(at('systemctl stop prometheus-node-exporter.service') < at('rm -rf --'));
  assert.ok(at('rm -rf --') < at('userdel hapg_monitor'));
  assert.ok(at('userdel') < at('rm -f -- /etc/systemd/system/prometheus-exporter-exporter.service'));
  assert.equal(sh(`sh -n <<'END_OF_SCRIPT'\n${script}\nEND_OF_SCRIPT`).code, 0);
});

test('a host that has one exporter less loses that one', async () => {
  const ids = exporters(hostOf('proxy1'), context).map(({ id }) => id);
  assert.ok(ids.includes('removed prometheus-postgres-exporter.service'));
  assert.ok(!ids.includes('removed prometheus-node-exporter.service'));
});

test("ZooKeeper's numbers are said in Prometheus' words, and a silent one is an error", () => {
  const script = render('exporters/zookeeper-metrics.sh', { admin: 'http://127.0.0.1:8080/commands' });
  const answering = programs({
    curl: `cat <<'END'
{
  "version" : "3.9.3-c26634f34490bb0ea7a09cc51e05ede3b4e320ee",
  "server_state" : "leader",
  "avg_latency" : 0.5714,
  "znode_count" : 44, "num_alive_connections" : 4,
  "p50_read_latency" : 1.0E-4,
  "uptime" : -1,
  "command" : "monitor",
  "error" : null
}
END`,
  });
  assert.deepEqual(sh(script, { path: answering }).out.trim().split('\n'), [
    'zookeeper_server_state{state="leader"} 1',
    'zookeeper_avg_latency 0.5714',
    'zookeeper_znode_count 44',
    'zookeeper_num_alive_connections 4',
    'zookeeper_p50_read_latency 1.0E-4',
    'zookeeper_uptime -1',
  ]);
  assert.deepEqual(sh(script, { path: programs({ curl: 'exit 7' }) }), { code: 1, out: '' });
});

test('the scripts that a watched cluster sends are valid sh', () => {
  for (const one of hostsWith(cluster, 'exporters')) {
    const steps = allSteps(apply, one, context, { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) }).flatMap(
      (stage) => stage.steps,
    );
    const { code, out } = sh(`sh -n <<'END_OF_PROBE'\n${probeScript(cluster, one, steps, 'NONCE')}\nEND_OF_PROBE`);
    assert.deepEqual([code, out], [0, ''], one.name);
  }
});
