import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepalived } from '../../roles/keepalived/keepalived.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { admitApply } from '../../src/decisions/admission.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import type { Answer } from '../../src/observe/answer.ts';
import { vip, vipInterface } from '../../src/observe/vip.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { inProcess } from '../support/in-process.ts';
import { contextFor, healthyLab, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const byAddress = labCluster([', interface: eth0', '']);
const byName = labCluster([', interface: eth0', ', interface: lo']);
const absent = labCluster([', interface: eth0', ', interface: none0']);
const proxyOf = ({ hosts }: Cluster): Host => hosts.find(({ name }) => name === 'proxy1')!;
const proxy = proxyOf(byAddress);

/** Two interfaces, one of which has the address of proxy1 and the VIP. */
const path = programs({
  ip: `case "$*" in
*' to 10.1.1.14'|*'addr show') ;;
*) exit 1 ;;
esac
echo '3: ens5    inet 10.1.1.14/24 brd 10.1.1.255 scope global ens5\\       valid_lft forever'
case "$*" in *' to '*) ;; *) echo '3: ens5    inet 10.1.1.100/24 scope global secondary ens5'; echo '4: ens6    inet 192.0.2.1/24 scope global ens6' ;; esac`,
});

test('without a name the interface of a balancer is the one that has its address', () => {
  assert.deepEqual(vipInterface.read(sh(vipInterface.script(byAddress, proxy), { path }).out, byAddress, proxy), {
    said: 'ens5',
  });
  assert.deepEqual(vip.read(sh(vip.script(byAddress, proxy), { path }).out, byAddress, proxy), { said: true });
  assert.deepEqual(vipInterface.read('.\n', byAddress, proxy), { said: null });
  const broken = programs({ ip: 'exit 1' });
  const { out } = sh(vipInterface.script(byAddress, proxy), { path: broken });
  assert.deepEqual(vipInterface.read(out, byAddress, proxy), { silent: 'its addresses cannot be read' });
});

test('one that is named is looked for by its name', () => {
  for (const [cluster, said] of [
    [byName, 'lo'],
    [absent, null],
  ] as const)
    assert.deepEqual(
      vipInterface.read(sh(vipInterface.script(cluster, proxyOf(cluster))).out, cluster, proxyOf(cluster)),
      { said },
    );
});

/** The lab in which the balancers say this of their interfaces. */
const lab = (proxy1: Answer<string | null>, proxy2: Answer<string | null>) => {
  const all = structuredClone(healthyLab());
  all.get('proxy1')!.vipInterface = proxy1;
  all.get('proxy2')!.vipInterface = proxy2;
  return all;
};

test('in a mixed fleet each balancer gets its own interface', async () => {
  const context = await contextFor(byAddress, lab({ said: 'ens5' }, { said: 'enp1s0' }));
  const names = ['proxy1', 'proxy2'].map((name) => {
    const step = keepalived(byAddress.hosts.find((one) => one.name === name)!, context).find(
      ({ id }) => id === 'file /etc/keepalived/keepalived.conf',
    )!;
    assert.equal(step.notApplicable, undefined);
    return /^ {4}interface (.*)$/m.exec(String((step.want as FileWant).content))?.[1];
  });
  assert.deepEqual(names, ['ens5', 'enp1s0']);
});

test('a host may have another interface than the others', () => {
  const cluster = labCluster([
    'roles: [haproxy, keepalived]}',
    'vip: {interface: bond0}, roles: [haproxy, keepalived]}',
  ]);
  assert.deepEqual(
    cluster.hosts.filter(({ roles }) => roles.has('keepalived')).map(({ vipInterface }) => vipInterface),
    ['bond0', 'eth0'],
  );
});

test('a configuration is not written where the interface is not known', async () => {
  const context = await contextFor(byAddress, lab({ silent: 'its addresses cannot be read' }, { said: null }));
  const steps = keepalived(proxy, context).filter(({ id }) => id.includes('keepalived.conf'));
  assert.deepEqual(
    steps.map(({ notApplicable }) => notApplicable),
    ['it is not known which interface has 10.1.1.14'],
  );
});

for (const [what, cluster, answer, says] of [
  ['has no interface of the name', absent, { said: null }, /proxy1: there is no network interface none0\. Leave/],
  ['has its address nowhere', byAddress, { said: null }, /proxy1: no network interface has 10\.1\.1\.14/],
  [
    'does not tell its addresses',
    byAddress,
    { silent: 'its addresses cannot be read' },
    /proxy1: it is not known which network interface has 10\.1\.1\.14 \(its addresses cannot be read\)/,
  ],
] as const)
  test(`apply is refused when a balancer ${what}`, () => {
    const verdict = admitApply(cluster, takeSnapshot(lab(answer, { said: 'eth0' })), []);
    assert.ok(!verdict.ok);
    assert.match(verdict.reasons.join('; '), says);
    assert.equal(verdict.reasons.length, 1);
  });

test('apply is admitted where every balancer has an interface for the VIP', () => {
  for (const cluster of [byAddress, byName])
    assert.deepEqual(admitApply(cluster, takeSnapshot(lab({ said: 'ens5' }, { said: 'lo' })), []), { ok: true });
});

test('init names no interface, which differs between hosts', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-vip-'));
  try {
    const file = join(directory, 'cluster.yaml');
    const addresses = ['--databases', '10.0.0.1,10.0.0.2,10.0.0.3', '--balancers', '10.0.0.4,10.0.0.5'];
    const { code, err } = await inProcess(['init', file, ...addresses, '--vip', '10.0.0.100/24']);
    assert.equal(code, 0, err);
    const { vip, hosts } = loadInventory(file).cluster;
    assert.equal(vip?.address, '10.0.0.100');
    assert.ok(hosts.every(({ vipInterface }) => vipInterface === undefined));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
