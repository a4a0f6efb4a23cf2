import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseRemains, reaching } from '../../playbooks/dcs/remains.ts';
import { assess } from '../../playbooks/repair.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { type DcsRemains, findDamage } from '../../src/decisions/repair.ts';
import type { Operation } from '../../src/engine/operation.ts';
import { dcsPeer } from '../../src/inventory/dcs.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { dcsHosts, type Host } from '../../src/inventory/model.ts';
import type { Observation } from '../../src/observe/index.ts';
import { FakeClock } from '../support/fake-machine.ts';
import { healthyLab, its, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const cluster = labCluster();
const WELL: DcsRemains = { active: true, data: true, sizeBytes: 100, cutOffFrom: [], seesHealthy: [], written: 1000 };

/** What is found when the lab was broken like this. */
function found(change: (all: Map<string, Observation>, remains: Map<string, DcsRemains>) => void = () => undefined) {
  const all = structuredClone(healthyLab());
  const remains = new Map(['db1', 'db2', 'db3'].map((name) => [name, { ...WELL }]));
  change(all, remains);
  const { damages, verdict } = findDamage(cluster, takeSnapshot(all), remains);
  return {
    damages: damages.map((one) => `${one.kind} ${one.host.name}`),
    reasons: verdict.ok ? '' : verdict.reasons.join('; '),
  };
}
const silent = (all: Map<string, Observation>, ...names: string[]) => {
  for (const name of names) all.get(name)!.dcs = undefined;
};
const quorumLost = (all: Map<string, Observation>) => {
  for (const name of ['db1', 'db2', 'db3']) if (all.get(name)!.dcs) its(all.get(name)!.dcs).healthy = false;
};

test('a healthy cluster has no damage', () => {
  assert.deepEqual(found(), { damages: [], reasons: '' });
});

test('a member that is only stopped is started, before anything is said about its data', () => {
  const one = found((all, remains) => {
    silent(all, 'db3');
    remains.set('db3', { ...WELL, active: false });
  });
  assert.deepEqual(one.damages, ['start-dcs db3']);
});

test('a member without data, with bad data, or unknown to the others is replaced while they have a quorum', () => {
  for (const remains of [{ ...WELL, data: false, active: false }, WELL]) {
    const one = found((all, every) => {
      silent(all, 'db3');
      every.set('db3', remains);
    });
    assert.deepEqual(one.damages, ['replace-dcs-member db3']);
  }
  const removed = found((all, remains) => {
    silent(all, 'db3');
    for (const name of ['db1', 'db2'])
      its(all.get(name)!.dcs).members = its(all.get(name)!.dcs).members!.filter((member) => member.name !== 'db3');
    remains.set('db3', { ...WELL, active: false });
  });
  assert.deepEqual(removed.damages, ['replace-dcs-member db3']);
});

test('a quorum that is lost for good is recovered from the newest copy', () => {
  const one = found((all, remains) => {
    silent(all, 'db2', 'db3');
    quorumLost(all);
    for (const name of ['db2', 'db3']) remains.set(name, { ...WELL, data: false, active: false });
  });
  assert.deepEqual(one.damages, ['recover-quorum db1']);
});

test('members that have their data and could form a quorum are not thrown away', () => {
  const one = found((all) => quorumLost(all));
  assert.deepEqual(one.damages, []);
  assert.match(one.reasons, /db1, db2, db3 have their data and could form a quorum/);
});

test('when every copy is lost it says so, and does nothing', () => {
  const one = found((all, remains) => {
    silent(all, 'db1', 'db2', 'db3');
    for (const name of ['db1', 'db2', 'db3']) remains.set(name, { ...WELL, data: false, active: false });
  });
  assert.deepEqual(one.damages, []);
  assert.match(one.reasons, /no host of etcd has its data/);
});

const emptied = (all: Map<string, Observation>, led: Record<string, boolean>) => {
  for (const [name, was] of Object.entries(led)) {
    const one = all.get(name)!;
    its(one.dcs).initialize = undefined;
    one.patroni = undefined;
    one.dataDirectory = { said: { state: 'cluster', systemIdentifier: '7000', led: was } };
  }
};

test('an emptied DCS is filled again when exactly one data directory is that of a leader', () => {
  assert.deepEqual(found((all) => emptied(all, { db1: false, db2: true, db3: false })).damages, ['refill-dcs db2']);
  for (const led of [
    { db1: false, db2: false, db3: false },
    { db1: true, db2: true, db3: false },
  ]) {
    const one = found((all) => emptied(all, led));
    assert.deepEqual(one.damages, []);
    assert.match(one.reasons, /it is not known which one is the newest/);
  }
});

test('an emptied DCS with two different databases is for a person to judge', () => {
  const one = found((all) => {
    emptied(all, { db1: true, db2: false, db3: false });
    its(all.get('db3')!.dataDirectory).systemIdentifier = '8000';
  });
  assert.match(one.reasons, /more than one database: 7000, 8000/);
});

test('a member that is only cut off from the others keeps its place and its data', () => {
  const { damages, reasons } = found((all, remains) => {
    its(all.get('db3')!.dcs).healthy = false;
    remains.get('db3')!.cutOffFrom = ['db1', 'db2'];
  });
  assert.deepEqual(damages, []);
  assert.match(reasons, /db3 does not reach etcd on db1, db2: mend the network/);
});

test('that no cluster is known takes the word of two members, not the silence of one', () => {
  const { damages, reasons } = found((all) => {
    for (const name of ['db1', 'db2', 'db3']) {
      its(all.get(name)!.dcs).initialize = undefined;
      its(all.get(name)!.dataDirectory).led = name === 'db1';
    }
    for (const name of ['db2', 'db3']) its(all.get(name)!.dcs).blind = true;
  });
  assert.deepEqual(damages, []);
  assert.match(reasons, /only db1 reports that etcd knows of no cluster/);
});

test('a member that another host hears to be healthy is not replaced because its own host hears nothing', () => {
  const { damages, reasons } = found((all, remains) => {
    all.get('db3')!.dcs = undefined;
    remains.get('db1')!.seesHealthy = ['db2', 'db3'];
  });
  assert.deepEqual(damages, []);
  assert.match(reasons, /etcd on db3 is healthy as db1 sees it, .* it is not replaced/);
});

test('a member of ZooKeeper that runs with its data is not replaced because it is silent', () => {
  const file = 'inventory/zookeeper.yaml';
  const zoo = parseInventory(readFileSync(file, 'utf8'), file).cluster;
  const hosts = dcsHosts(zoo).map(({ name }) => name);
  const seen = healthyLab().get('db1')!;
  const members = dcsHosts(zoo).map((host, index) => ({
    id: String(index + 1),
    name: host.name,
    peer: dcsPeer(zoo, host),
    learner: false,
  }));
  const all = new Map<string, Observation>(
    hosts.map((name, index) => [
      name,
      { ...seen, dcs: { said: { ...its(seen.dcs), id: String(index + 1), members } } },
    ]),
  );
  const remains = new Map(hosts.map((name) => [name, { ...WELL }]));
  const last = hosts.at(-1)!;
  all.get(last)!.dcs = undefined;
  const silent = findDamage(zoo, takeSnapshot(all), remains);
  assert.deepEqual(silent.damages, []);
  assert.match(silent.verdict.ok ? '' : silent.verdict.reasons.join(), /gives no answer, which proves no damage/);
  remains.get(last)!.data = false;
  assert.deepEqual(
    findDamage(zoo, takeSnapshot(all), remains).damages.map(({ kind, host }) => `${kind} ${host.name}`),
    [`replace-dcs-member ${last}`],
  );
});

/** Asks from db3 with a curl that ends like this for each URL. */
const askedFrom = (curl: string) => {
  const db3 = cluster.hosts.find(({ name }) => name === 'db3')!;
  const { code, out } = sh(reaching(cluster, db3), { path: programs({ curl }) });
  assert.equal(code, 0, out);
  return parseRemains(out);
};

const CONNECTIONS: [what: string, curl: string, cutOffFrom: string[]][] = [
  ['answers everywhere, be it with an error of TLS', 'exit 35', []],
  ['a port of members that drops every packet', 'case "$*" in *10.1.1.10:2380*) exit 28 ;; esac; exit 35', ['db1']],
  ['a port of clients that is closed', 'case "$*" in *10.1.1.11:2379*) exit 7 ;; esac', ['db2']],
  ['no way to anybody', 'exit 28', ['db1', 'db2']],
];
for (const [what, curl, cutOffFrom] of CONNECTIONS)
  test(`before a member is replaced its host is asked whom it reaches: ${what}`, () => {
    assert.deepEqual(askedFrom(curl).cutOffFrom, cutOffFrom);
  });

test('whom the members of other hosts tell that they are healthy is heard from there', () => {
  const curl = 'case "$*" in *10.1.1.11:2379/health*) echo \'{"health":"true"}\' ;; esac';
  assert.deepEqual(askedFrom(curl).seesHealthy, ['db2']);
});

test('repair judges by what every host reaches', async () => {
  const all = structuredClone(healthyLab());
  its(all.get('db3')!.dcs).healthy = false;
  const op = {
    cluster,
    observe: async () => takeSnapshot(all),
    ask: async ({ name }: Host, _what: string, script: string) =>
      `active\ndata\nsize 1\nwritten 1\n${name === 'db3' && script.includes('cut-off db1') ? 'cut-off db1\n' : ''}`,
    clock: new FakeClock(),
    pause: () => Promise.reject(new Error('it was judged otherwise')),
  } as unknown as Operation;
  const reason =
    'db3 does not reach etcd on db1: mend the network or the firewall between them; its data is not touched';
  const known = { snapshot: takeSnapshot(all), damages: [], verdict: { ok: false as const, reasons: [reason] } };
  assert.deepEqual((await assess(op, known)).damages, []);
});
