import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { apply } from '../../playbooks/apply.ts';
import { packagesOfAllRoles } from '../../playbooks/packages.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { parseFacts } from '../../src/observe/host.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import type { PackageWant } from '../../src/steps/package.ts';
import { contextFor, labCluster } from './model.ts';

const container = parseFacts('id=debian\ncodename=trixie\ncpus=2\nmemory=4194304\nvirt=docker\nsshport=22\n');

for (const name of ['lab', 'two-node', 'zookeeper', 'pgbouncer', 'multi-dc'])
  test(`a warm host has every package that apply installs on a host of ${name}.yaml`, async () => {
    const file = `inventory/${name}.yaml`;
    const { cluster } = parseInventory(readFileSync(file, 'utf8'), file);
    const context = { ...(await contextFor(cluster)), facts: () => container };
    const there = new Set(packagesOfAllRoles(cluster, 'container'));
    for (const host of cluster.hosts) {
      const steps = allSteps(apply, host, context, { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) });
      const wanted = steps
        .flatMap((stage) => stage.steps)
        .filter((one) => one.kind.name === 'packages')
        .flatMap((one) => (one.want as PackageWant).names);
      assert.ok(wanted.length > 5);
      assert.deepEqual(
        wanted.filter((one) => !there.has(one)),
        [],
        host.name,
      );
    }
  });

test('all inventories of one PostgreSQL share a warm image: what one adds by name is not in it', () => {
  const plain = packagesOfAllRoles(labCluster(), 'container');
  const more = labCluster(['parameters:', 'packages: [postgresql-17-cron]\n  parameters:']);
  assert.deepEqual(packagesOfAllRoles(more, 'container'), plain);
  const zoo = parseInventory(readFileSync('inventory/zookeeper.yaml', 'utf8'), 'inventory/zookeeper.yaml').cluster;
  assert.deepEqual(packagesOfAllRoles(zoo, 'container'), plain);
  const older = packagesOfAllRoles(labCluster(['version: "17"', 'version: "15"']), 'container');
  assert.ok(older.includes('postgresql-15') && !older.includes('postgresql-17'));
});

test('a virtual machine has what belongs to a kernel of its own, besides', () => {
  const machine = packagesOfAllRoles(labCluster(), 'virtual machine');
  assert.deepEqual(
    machine.filter((name) => !packagesOfAllRoles(labCluster(), 'container').includes(name)),
    ['auditd', 'chrony'],
  );
});
