import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packagesOfRoles } from '../../roles/index.ts';
import { BACKUP_TYPES, backupUnit } from '../../src/inventory/backup-schedule.ts';
import { PKI } from '../../src/paths.ts';
import {
  ASSIGNABLE_ROLES,
  factsOf,
  HA_PACKAGES,
  JOURNALS,
  ROLE_NAMES,
  type RoleName,
  SERVICES,
  unitsOf,
} from '../../src/roles.ts';
import { contextFor, labCluster } from './model.ts';

test('services stop in the reverse order of the setup: clients lose their way in first, the DCS goes last', () => {
  const everything = { roles: new Set<RoleName>(ROLE_NAMES) };
  assert.deepEqual(unitsOf(everything), [
    'prometheus.service',
    'prometheus-alertmanager.service',
    'prometheus-exporter-exporter.service',
    'prometheus-node-exporter.service',
    'prometheus-postgres-exporter.service',
    'prometheus-pgbouncer-exporter.service',
    'prometheus-pgbackrest-exporter.service',
    'keepalived.service',
    'haproxy.service',
    'pgbouncer.service',
    'patroni.service',
    'pgbackrest.service',
    'zookeeper.service',
    'etcd.service',
  ]);
  assert.deepEqual(unitsOf({ roles: new Set<RoleName>(['client', 'hardening']) }), []);
});

test('what serves is logged, and its package is not upgraded behind the back of the cluster', () => {
  for (const role of ROLE_NAMES.filter((one) => factsOf(one).units)) {
    assert.ok(factsOf(role).packages?.length, `${role} has packages to protect`);
    for (const unit of factsOf(role).units!) {
      assert.ok(SERVICES.includes(unit.replace('.service', '')), unit);
      assert.ok(JOURNALS.includes(unit.replace('.service', '')), unit);
    }
  }
  for (const name of [...BACKUP_TYPES.map(backupUnit), 'pgbackrest-drill']) assert.ok(JOURNALS.includes(name), name);
  for (const name of [
    'postgresql',
    'patroni',
    'etcd',
    'libzookeeper',
    'haproxy',
    'keepalived',
    'pgbackrest',
    'pgbouncer',
    'libpq',
  ])
    assert.ok(HA_PACKAGES.includes(name), name);
});

test('every port of the table is a number of the inventory', () => {
  const { settings } = labCluster();
  for (const role of ROLE_NAMES)
    for (const { path, what } of factsOf(role).ports ?? []) {
      const port = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], settings);
      assert.equal(typeof port, 'number', `${what}: ${path.join('.')}`);
    }
  assert.equal(
    ROLE_NAMES.flatMap((role) => factsOf(role).ports ?? []).filter(({ path }) => path[0] === 'haproxy').length,
    Object.keys(settings.haproxy.ports).length,
    'no port of HAProxy is left out',
  );
});

test('every role that an inventory can give installs something of its own step, so that --tags finds it', async () => {
  const cluster = labCluster();
  const context = await contextFor(cluster);
  const host = { ...cluster.hosts[0]!, roles: new Set<RoleName>(ROLE_NAMES) };
  const steps = packagesOfRoles(host, context);
  for (const role of ASSIGNABLE_ROLES)
    assert.ok(
      steps.some((one) => one.role === role),
      role,
    );
});

test('keys of a role are kept in a directory of its own', () => {
  const places = Object.values(PKI);
  assert.equal(new Set(places).size, places.length);
  assert.equal(PKI.pgbouncer, '/etc/pgbouncer/pki');
});
