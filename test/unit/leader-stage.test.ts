import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply } from '../../playbooks/apply.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import type { Observation } from '../../src/observe/index.ts';
import { contextFor, EMPTY, healthyLab, its, labCluster } from './model.ts';

const cluster = labCluster();
const stage = (name: string) => apply.find((one) => one.name === name)!;

/** The hosts of both stages, and the groups in which the first one goes through them. */
async function stages(observations: Map<string, Observation>) {
  const context = { ...(await contextFor(cluster)), snapshot: takeSnapshot(observations) };
  const names = (name: string) =>
    stage(name)
      .hosts(context)
      .map((host) => host.name);
  const groups = stage('leader').order!(stage('leader').hosts(context), context);
  return {
    leader: names('leader'),
    replicas: names('replicas'),
    groups: groups.map((group) => group.map((host) => host.name)),
    dynamic: cluster.hosts
      .filter((host) => names('leader').includes(host.name))
      .filter((host) => stage('leader').steps(host, context)[0]!.kind.name === 'dcs-config')
      .map((host) => host.name),
  };
}

/** The lab with PostgreSQL and Patroni down on all members, whose data and DCS are there; and a change. */
function down(change: (all: Map<string, Observation>) => void = () => undefined): Map<string, Observation> {
  const all = structuredClone(healthyLab());
  for (const name of ['db1', 'db2', 'db3'])
    all.set(name, { ...all.get(name)!, patroni: { silent: 'no answer' }, sql: { said: null } });
  change(all);
  return all;
}

test('members that are all down start together: only Patroni and the DCS know which one may lead', async () => {
  const together = ['db1', 'db2', 'db3'];
  assert.deepEqual(await stages(down()), { leader: together, replicas: [], groups: [together], dynamic: ['db1'] });
});

test('a member that has no data waits for the leader that it will copy', async () => {
  const found = await stages(down((all) => void (all.get('db1')!.dataDirectory = { said: { state: 'empty' } })));
  assert.deepEqual([found.leader, found.replicas], [['db2', 'db3'], ['db1']]);
});

for (const [what, all] of [
  ['the cluster is healthy', healthyLab()],
  ['one of them runs', down((all) => void (all.get('db3')!.sql = healthyLab().get('db3')!.sql))],
  ['one of them is silent', down((all) => void (all.get('db3')!.sql = { silent: 'no answer in time' }))],
  ['one of them is not seen', down((all) => void all.delete('db3'))],
  [
    'the DCS does not say that there is a cluster',
    down((all) => {
      for (const name of ['db1', 'db2', 'db3']) delete its(all.get(name)!.dcs).initialize;
    }),
  ],
  ['there is nothing yet', new Map(['db1', 'db2', 'db3'].map((name) => [name, EMPTY] as const))],
] as const)
  test(`the leader, or who will be it, comes alone when ${what}`, async () => {
    const found = await stages(all);
    assert.deepEqual([found.leader, found.replicas, found.groups], [['db1'], ['db2', 'db3'], [['db1']]]);
  });
