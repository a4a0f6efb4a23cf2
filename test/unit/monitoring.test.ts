import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modulesOf } from '../../roles/exporters/modules.ts';
import { packageWants, rulesFor } from '../../roles/index.ts';
import { type Cluster, type Host, monitored } from '../../src/inventory/model.ts';
import { externalSecrets } from '../../src/secrets/external-secrets.ts';
import { authoritiesOf, SecretStore } from '../../src/secrets/store.ts';
import { contextFor, labCluster } from './model.ts';

const MON = '  mon:    {address: 10.1.1.17, roles: [monitoring]}\n';
/** The lab with a host that watches it, and with settings of monitoring. */
const watched = (settings = ''): Cluster =>
  labCluster(['hosts:\n', `${settings ? `monitoring: ${settings}\n` : ''}hosts:\n${MON}`]);
const EXTERNAL = labCluster(['hosts:\n', 'monitoring: {external: {from: [10.9.0.0/24]}}\nhosts:\n']);
const hostOf = (cluster: Cluster, name: string): Host => cluster.hosts.find((one) => one.name === name)!;

test('the hosts of a cluster have exporters when somebody reads them, and else nothing of monitoring', () => {
  const plain = labCluster();
  assert.equal(monitored(plain), false);
  assert.ok(plain.hosts.every(({ roles }) => !roles.has('exporters')));
  for (const cluster of [watched(), EXTERNAL]) {
    assert.equal(monitored(cluster), true);
    assert.ok(cluster.hosts.every(({ roles }) => roles.has('exporters')));
  }
});

test('each host has the modules of its roles; the repositories are read on one host', () => {
  const cluster = watched();
  const modules = (name: string, of = cluster) => modulesOf(hostOf(of, name), of);
  assert.deepEqual(modules('db1'), ['node', 'postgres', 'patroni', 'etcd']);
  assert.deepEqual(modules('backup'), ['node', 'pgbackrest']);
  assert.deepEqual(modules('proxy1'), ['node', 'haproxy']);
  assert.deepEqual(modules('mon'), ['node']);
  const without = labCluster(
    ['  backup: {address: 10.1.1.13, ssh: {host: 127.0.0.1, port: 3004}, roles: [pgbackrest]}\n', MON],
    ['pgbackrest:\n', 'pgbackrest:\n  repositories: [{kind: directory, path: /mnt/backups}]\n'],
  );
  assert.deepEqual(
    ['db1', 'db2', 'db3'].map((name) => modules(name, without).includes('pgbackrest')),
    [true, false, false],
  );
});

test('a host gets the packages of its modules and no other exporter', async () => {
  const cluster = watched();
  const context = await contextFor(cluster);
  const names = (name: string) =>
    packageWants(hostOf(cluster, name), context)
      .filter(({ role }) => role === 'exporters')
      .flatMap((one) => one.names);
  assert.deepEqual(names('client'), ['prometheus-exporter-exporter', 'prometheus-node-exporter', 'openssl']);
  assert.ok(names('db1').includes('prometheus-postgres-exporter'));
  assert.ok(names('backup').includes('prometheus-pgbackrest-exporter'));
});

test('one port of a host is open for its metrics, to who reads them and to nobody else', () => {
  const who = (cluster: Cluster, name: string) =>
    rulesFor(hostOf(cluster, name), cluster, [22])
      .filter(({ port }) => port === 9998)
      .map(({ from }) => from);
  const cluster = watched();
  assert.deepEqual(who(cluster, 'db1'), ['10.1.1.17']);
  assert.deepEqual(who(cluster, 'mon'), [], 'it reaches itself without');
  assert.deepEqual(who(EXTERNAL, 'db1'), ['10.9.0.0/24']);
  assert.deepEqual(
    rulesFor(hostOf(cluster, 'mon'), cluster, [22]).map(({ port }) => port),
    [22],
    'its pages are on the loopback address',
  );
});

test('the authority of the metrics is made when a living cluster is watched, and stays in a store that is not watched any more', async () => {
  assert.ok(!authoritiesOf(labCluster()).includes('monitoring'));
  assert.ok(authoritiesOf(watched()).includes('monitoring'));
  const store = await SecretStore.create(labCluster());
  const before = store.identity();
  assert.equal(before.authorities.monitoring, undefined);
  const later = store.through(watched());
  await later.complete();
  const after = later.identity();
  assert.match(after.authorities.monitoring!, /^[0-9a-f]{64}$/);
  // A host that knows only the former ones is not one of another cluster.
  for (const [name, print] of Object.entries(before.authorities)) assert.equal(after.authorities[name], print, name);
  assert.deepEqual(store.through(labCluster()).identity().authorities, after.authorities);
});

test('passwords of mail servers and secret addresses are brought by the operator', () => {
  const cluster = watched(
    '{alerts: {default: ops, receivers: [{name: ops, email: {to: a@b.c, from: d@e.f, smarthost: "m.b.c:587", username: u}}, {name: chat, webhook: secret}, {name: open, webhook: "http://10.1.1.9/hook"}]}}',
  );
  assert.deepEqual(externalSecrets(cluster), ['alerts-ops-password', 'alerts-chat-url']);
});

test('a user of PostgreSQL cannot have the name of the exporter', () => {
  assert.throws(
    () => labCluster(['    - {name: app}  ', '    - {name: app}\n    - {name: hapg_monitor}  ']),
    /hapg_monitor is reserved for the cluster itself/,
  );
});
