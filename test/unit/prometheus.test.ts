import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { monitoring, monitoringCertificates, monitoringPrepare } from '../../roles/monitoring/monitoring.ts';
import { Secret } from '../../src/secret.ts';
import type { CertificateWant } from '../../src/steps/certificate.ts';
import type { FileWant } from '../../src/steps/file.ts';
import type { RemovedWant } from '../../src/steps/removed.ts';
import type { Step } from '../../src/steps/step.ts';
import { contextFor, labCluster } from './model.ts';

const watched = (settings: string) =>
  contextFor(
    labCluster(['hosts:\n', `monitoring: ${settings}\nhosts:\n  mon: {address: 10.1.1.17, roles: [monitoring]}\n`]),
  );
const RECEIVERS =
  '{retention: {time: 30d, size: 9GB}, alerts: {default: ops, routes: [{severity: critical, receiver: chat}], receivers: [{name: ops, email: {to: [a@b.c, e@b.c], from: d@e.f, smarthost: "m.b.c:587", username: u}}, {name: old, email: {to: a@b.c, from: d@e.f, smarthost: "m.b.c:465"}}, {name: chat, webhook: secret}, {name: open, webhook: "http://10.1.1.9/hook"}]}}';
const context = await watched(RECEIVERS);
const mon = context.cluster.hosts.find(({ name }) => name === 'mon')!;
const steps = monitoring(mon, context);
const want = (path: string, of: readonly Step[] = steps): FileWant => {
  const found = of.map((one) => one.want as FileWant).find((one) => one.path === path);
  assert.ok(found, path);
  return found;
};
interface Alertmanager {
  route: { receiver: string; routes: { matchers: string[]; receiver: string }[] };
  inhibit_rules: { source_matchers: string[]; target_matchers: string[]; equal: string[] }[];
  receivers: { name: string; email_configs?: Record<string, unknown>[]; webhook_configs?: Record<string, unknown>[] }[];
}
const alertmanager = (of: readonly Step[] = steps) =>
  parse(String(want('/etc/prometheus/hapg/alertmanager.yml', of).content)) as Alertmanager;

test('the pages have no login, so they are on the loopback address alone', () => {
  const prepare = monitoringPrepare(mon, context);
  const units = ['prometheus', 'prometheus-alertmanager'].map((name) =>
    String(want(`/etc/systemd/system/${name}.service.d/hapg.conf`, prepare).content),
  );
  assert.match(units[0]!, / --web\.listen-address=127\.0\.0\.1:9090$/m);
  assert.match(units[1]!, / --web\.listen-address=127\.0\.0\.1:9093 --cluster\.listen-address=$/m);
  assert.match(units[0]!, /retention\.time=30d --storage\.tsdb\.retention\.size=9GB/);
  for (const unit of units) assert.match(unit, /^ExecStart=\nExecStart=/m, "the package's own command is replaced");
});

test('a configuration is judged by the program that reads it, and read again without a restart', () => {
  for (const [path, check, unit] of [
    ['/etc/prometheus/hapg/prometheus.yml', 'promtool check config {}', 'prometheus.service'],
    ['/etc/prometheus/hapg/alertmanager.yml', 'amtool check-config {}', 'prometheus-alertmanager.service'],
  ] as const) {
    const step = steps.find((one) => (one.want as FileWant).path === path)!;
    assert.equal((step.want as FileWant).check, check);
    assert.deepEqual(step.notify, [{ unit, action: 'reload' }]);
  }
  // What promtool looks for is there by then.
  const at = (path: string) => steps.findIndex((one) => (one.want as FileWant).path === path);
  assert.ok(at('/etc/prometheus/hapg/pglab.json') < at('/etc/prometheus/hapg/prometheus.yml'));
});

test('Prometheus reads the targets of the file with the certificate of its name, and itself and Alertmanager', () => {
  const { scrape_configs: jobs, rule_files: rules } = parse(
    String(want('/etc/prometheus/hapg/prometheus.yml').content),
  ) as { scrape_configs: Record<string, unknown>[]; rule_files: string[] };
  assert.deepEqual(
    jobs.map(({ job_name }) => job_name),
    ['hapg-pglab', 'prometheus', 'alertmanager'],
  );
  assert.deepEqual(jobs[0]!.tls_config, {
    ca_file: '/etc/prometheus/pki/ca.crt',
    cert_file: '/etc/prometheus/pki/prometheus.pglab.crt',
    key_file: '/etc/prometheus/pki/prometheus.pglab.key',
  });
  assert.deepEqual(rules, ['/etc/prometheus/hapg/*.rules.yml']);
  const leaf = monitoringCertificates(mon, context)
    .filter(({ kind }) => kind.name === 'certificate')
    .map((one) => one.want as CertificateWant);
  assert.deepEqual(
    leaf.map(({ authority, dns, ips }) => [authority.name, dns, ips]),
    [['monitoring', ['prometheus.pglab'], []]],
  );
});

test('a fast pace has a time-out that fits into it', async () => {
  const fast = await watched('{scrape_interval: 5s}');
  const host = fast.cluster.hosts.find(({ name }) => name === 'mon')!;
  const file = want('/etc/prometheus/hapg/prometheus.yml', monitoring(host, fast));
  assert.match(String(file.content), /scrape_interval: 5s\n {4}scrape_timeout: 5s\n/);
});

test('alerts go where the inventory says, and of a host that is down nothing else is told', () => {
  const { route, inhibit_rules } = alertmanager();
  assert.equal(route.receiver, 'ops');
  assert.deepEqual(route.routes, [
    { matchers: ['alertname="Watchdog"'], receiver: 'nobody' },
    { matchers: ['severity="critical"'], receiver: 'chat' },
  ]);
  assert.deepEqual(inhibit_rules[0]!.equal, ['cluster', 'host']);
  // Alerts of the cluster have no host, and two that lack a label are equal in it.
  assert.ok(inhibit_rules[0]!.target_matchers.includes('host!=""'));
});

test('a single receiver gets all, and without one nobody does', async () => {
  const of = async (settings: string) => {
    const one = await watched(settings);
    return alertmanager(monitoring(one.cluster.hosts.find(({ name }) => name === 'mon')!, one)).route.receiver;
  };
  assert.equal(await of('{alerts: {receivers: [{name: ops, webhook: "http://10.1.1.9/"}]}}'), 'ops');
  assert.equal(await of('{retention: {time: 1d}}'), 'nobody');
});

test('passwords and secret addresses are in files of their own, and in no other', () => {
  const { receivers } = alertmanager();
  const mail = (name: string) => receivers.find((one) => one.name === name)!.email_configs![0]!;
  assert.equal(mail('ops').to, 'a@b.c, e@b.c');
  assert.equal(mail('ops').auth_password_file, '/etc/prometheus/hapg/alerts-ops-password');
  assert.equal(mail('ops').require_tls, true);
  assert.equal(mail('old').require_tls, false, 'port 465 has TLS from the beginning');
  const hook = (name: string) => receivers.find((one) => one.name === name)!.webhook_configs![0]!;
  assert.equal(hook('chat').url_file, '/etc/prometheus/hapg/alerts-chat-url');
  assert.equal(hook('open').url, 'http://10.1.1.9/hook');
  for (const name of ['alerts-ops-password', 'alerts-chat-url']) {
    const file = want(`/etc/prometheus/hapg/${name}`);
    assert.ok(file.content instanceof Secret);
    assert.deepEqual([file.mode, file.owner, file.group], ['0640', 'root', 'prometheus']);
  }
});

test('a host that does not watch has nothing of it', async () => {
  const plain = await contextFor(labCluster());
  const [gone, ...more] = monitoring(plain.cluster.hosts[0]!, plain);
  assert.deepEqual(more, []);
  assert.equal(gone!.kind.name, 'removed');
  const { units, paths, mark } = gone!.want as RemovedWant;
  assert.deepEqual(units, ['prometheus.service', 'prometheus-alertmanager.service']);
  for (const one of [...monitoringPrepare(mon, context), ...monitoringCertificates(mon, context), ...steps])
    if (one.kind.name === 'file') {
      const { path } = one.want as FileWant;
      assert.ok(path === mark || paths.some((place) => path.startsWith(`${place}/`)), path);
    }
});
