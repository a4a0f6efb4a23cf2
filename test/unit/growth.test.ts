import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { etcd } from '../../roles/etcd/etcd.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { type AddOptions, parseHost } from '../../src/commands/add-replica.ts';
import {
  areLost,
  hasJoined,
  type JoinFacts,
  lossesOf,
  lossesOfLost,
  mayAdd,
  mayReinit,
  mayRemove,
  mayWriteOff,
} from '../../src/decisions/growth.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import { addHost, removeHost } from '../../src/inventory/edit.ts';
import type { Observation } from '../../src/observe/index.ts';
import type { EtcdJoinWant } from '../../src/steps/etcd-join.ts';
import { contextFor, EMPTY, healthyLab, its, labCluster } from './model.ts';

const grown = labCluster(['  backup: {', '  db4: {address: 10.1.1.17, roles: [etcd, patroni]}\n  backup: {']);
const host = (name: string) => grown.hosts.find((one) => one.name === name)!;
const reasons = (verdict: Verdict) => (verdict.ok ? [] : verdict.reasons).join('; ');
/** A host with nothing of the database, and so many bytes for it. */
const ADD = { address: '10.1.1.20', roles: 'patroni' } as AddOptions;
const free = (freeBytes: number): JoinFacts['storage'] => ({
  places: [],
  rooms: [{ path: '/var/lib/postgresql/17/pglab', state: 'absent', device: '1', freeBytes }],
});
const ROOM: JoinFacts = {
  storage: free(100e9),
  tablespaces: [],
  databaseBytes: 1e9,
  leader: { 'postgresql-17': '17.11', pgbackrest: '2.55.1' },
  candidate: { 'postgresql-17': '17.11', pgbackrest: '2.55.1' },
};

function seen(change: (all: Map<string, Observation>) => void = () => undefined) {
  const all = structuredClone(healthyLab());
  all.set('db4', { ...EMPTY, dataDirectory: { said: { state: 'absent' } } });
  change(all);
  return takeSnapshot(all);
}

for (const [ssh, expected] of [
  ['node5.example.org', { host: 'node5.example.org' }],
  ['127.0.0.1:3008', { host: '127.0.0.1', port: 3008 }],
  ['fd00::1', { host: 'fd00::1' }],
  ['fd00::1:22', { host: 'fd00::1:22' }],
  ['[fd00::1]:2222', { host: 'fd00::1', port: 2222 }],
  ['[fd00::1]', { host: 'fd00::1' }],
] as const)
  test(`--ssh ${ssh} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseHost({ ...ADD, ssh }).ssh, expected);
  });

for (const ssh of ['', ':22', 'host:', 'host:port', 'fd00::1::2', '[node5]:22', '[fd00::1'])
  test(`--ssh "${ssh}" is refused`, () => {
    assert.throws(
      () => parseHost({ ...ADD, ssh }),
      /^UsageError: --ssh .*: HOST, HOST:PORT or \[IPV6\]:PORT is needed$/,
    );
  });

test('an empty host with room and the same versions may join', () => {
  assert.deepEqual(mayAdd(grown, seen(), host('db4'), ROOM), { ok: true });
});

const REFUSALS: [string, (all: Map<string, Observation>) => void, Partial<JoinFacts>, RegExp][] = [
  [
    'its data directory holds foreign files',
    (all) => (all.get('db4')!.dataDirectory = { said: { state: 'foreign' } }),
    {},
    /holds files but no database/,
  ],
  [
    'its data directory is of another system',
    (all) => (all.get('db4')!.dataDirectory = { said: { state: 'cluster', systemIdentifier: '8000' } }),
    {},
    /another database system \(8000, this cluster is 7000\)/,
  ],
  [
    'it is not known how much room there is',
    () => undefined,
    { storage: { places: [], rooms: [] } },
    /it is not known how much room/,
  ],
  ['there is too little room', () => undefined, { storage: free(1.2e9) }, /1\.1 GiB are free .* 1\.4 GiB are needed/],
  [
    'it would get another minor version',
    () => undefined,
    { candidate: { 'postgresql-17': '17.9', pgbackrest: '2.55.1' } },
    /would have postgresql-17 17\.9, the leader has 17\.11/,
  ],
  [
    'its package sources lack a package',
    () => undefined,
    { candidate: { 'postgresql-17': '17.11' } },
    /pgbackrest is not offered/,
  ],
];
for (const [what, change, prospect, reason] of REFUSALS)
  test(`a host may not join when ${what}`, () => {
    assert.match(reasons(mayAdd(grown, seen(change), host('db4'), { ...ROOM, ...prospect })), reason);
  });

test('joined means streaming, voting and balanced to', () => {
  assert.match(reasons(hasJoined(grown, seen(), host('db4'))), /db4 is not a member yet.*proxy1 sends no reads to db4/);
});

test('the leader, the only copy, the quorum, the repository and the only way in may not leave', () => {
  const lab = labCluster();
  const one = (name: string) => lab.hosts.find((each) => each.name === name)!;
  assert.deepEqual(mayRemove(lab, seen(), one('db3')), { ok: true });
  assert.match(reasons(mayRemove(lab, seen(), one('db1'))), /db1 leads; switch over first/);
  assert.match(reasons(mayRemove(lab, seen(), one('backup'))), /backup holds the backups/);
  const ill = seen((all) => (its(all.get('db2')!.dcs).healthy = false));
  assert.match(reasons(mayRemove(lab, ill, one('db3'))), /without db3 etcd has 1 healthy voters of 2, 2 are needed/);
  assert.deepEqual(mayRemove(lab, seen(), one('proxy2')), { ok: true });
  const single = { ...lab, hosts: lab.hosts.filter((each) => each.name !== 'proxy2') };
  assert.match(reasons(mayRemove(single, seen(), one('proxy1'))), /the only host with the role haproxy/);
  assert.match(lossesOf(lab, seen(), one('db2')).join('; '), /synchronous standby.*2 members of etcd are left/);
});

test('a host counts as lost only when neither hapg nor the other members see it', () => {
  const lab = labCluster();
  const db3 = lab.hosts.find(({ name }) => name === 'db3')!;
  assert.match(reasons(areLost(seen(), [db3])), /db3 answers: without --gone/);
  const cutOff = seen((all) => all.delete('db3'));
  assert.match(reasons(areLost(cutOff, [db3])), /the others see it as a member \(replica, streaming\)/);
  const lost = seen((all) => {
    all.delete('db3');
    for (const { patroni } of all.values())
      if (patroni) its(patroni).members = its(patroni).members!.filter(({ name }) => name !== 'db3');
  });
  assert.deepEqual(areLost(lost, [db3]), { ok: true });
  assert.deepEqual(mayWriteOff(lab, lost, [db3]), { ok: true });
});

test('what was lost together is judged together', () => {
  const lab = labCluster();
  const [db3, backup, proxy1, proxy2] = ['db3', 'backup', 'proxy1', 'proxy2'].map(
    (name) => lab.hosts.find((one) => one.name === name)!,
  );
  const lost = seen((all) => {
    for (const name of ['db3', 'backup']) all.delete(name);
    for (const { patroni } of all.values())
      if (patroni) its(patroni).members = its(patroni).members!.filter(({ name }) => name !== 'db3');
  });
  assert.deepEqual(mayWriteOff(lab, lost, [db3!, backup!]), { ok: true }, 'backups that are lost keep nobody');
  assert.match(lossesOfLost(lab, lost, [db3!, backup!]).join(), /2 members of etcd are left.*backups there are lost/);
  assert.match(reasons(mayWriteOff(lab, lost, [proxy1!, proxy2!])), /proxy1 is the only host with the role haproxy/);
  const noQuorum = seen((all) => {
    for (const name of ['db2', 'db3']) all.delete(name);
  });
  assert.match(reasons(mayWriteOff(lab, noQuorum, [db3!])), /without db3 etcd has 1 healthy voters of 2, 2 are needed/);
});

test('etcd on a host that was set up anew takes the place of the member that was there; with its data it stays', async () => {
  const lab = labCluster();
  const db3 = lab.hosts.find(({ name }) => name === 'db3')!;
  const planned = async (newToDcs: boolean) => {
    const all = healthyLab();
    all.set('db3', { ...EMPTY, newToDcs });
    return etcd(db3, await contextFor(lab, all)).filter((one) => one.kind.name === 'etcd-join');
  };
  assert.deepEqual(
    (await planned(true)).map((one) => (one.want as EtcdJoinWant).replaces),
    [true],
  );
  assert.deepEqual(await planned(false), []);
});

test('only a replica may be rebuilt, with room for both copies', () => {
  assert.match(reasons(mayReinit(grown, seen(), host('db1'), ROOM)), /db1 leads/);
  assert.match(
    reasons(mayReinit(grown, seen(), host('db3'), { ...ROOM, storage: free(1e9) })),
    /are free for .* and .* are needed/,
  );
});

const LAB = readFileSync('inventory/lab.yaml', 'utf8');

test('a host is written as one line behind the last one; every other character of the inventory stays', () => {
  const added = addHost(LAB, 'db4', {
    address: '10.1.1.17',
    ssh: { host: '127.0.0.1', port: 3008 },
    roles: ['etcd', 'patroni'],
  });
  assert.equal(
    added,
    `${LAB}  db4: {address: 10.1.1.17, ssh: {host: 127.0.0.1, port: 3008}, roles: [etcd, patroni]}\n`,
  );
  assert.equal(removeHost(added, 'db4'), LAB);
});

test('a host that is there in the same words changes nothing; another one under its name is an error', () => {
  assert.equal(addHost(LAB, 'db3', { address: '10.1.1.12', roles: ['patroni', 'etcd'] }), LAB);
  assert.throws(() => addHost(LAB, 'db3', { address: '10.1.1.99', roles: ['patroni'] }), /the name db3 is in use/);
  assert.throws(() => removeHost(LAB, 'nobody'), /no host nobody/);
});

test('hosts in block style, with comments around them, are added and removed as whole lines', () => {
  const text =
    'cluster: x\nhosts:\n  a:   # first\n    address: 10.0.0.1\n    roles: [patroni]\n  # about b\n  b: {address: 10.0.0.2, roles: [patroni]} # second\nvip: {address: 10.0.0.9/24}\n';
  const added = addHost(text, 'c', { address: '10.0.0.3', roles: ['patroni'] });
  assert.match(added, /# second\n {2}c: \{address: 10\.0\.0\.3, roles: \[patroni\]\}\nvip:/);
  assert.equal(removeHost(added, 'c'), text);
  assert.doesNotMatch(removeHost(text, 'a'), /10\.0\.0\.1/);
  assert.match(removeHost(text, 'a'), /hosts:\n {2}# about b\n {2}b:/);
});

test('whatever hosts are added and removed, the others keep their meaning', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/), { minLength: 1, maxLength: 6 }),
      (names) => {
        let text = LAB;
        for (const [index, name] of names.entries())
          if (!parse(text).hosts[name])
            text = addHost(text, name, { address: `10.1.1.${120 + index}`, roles: ['patroni'] });
        const all = parse(text);
        for (const name of names) if (!parse(LAB).hosts[name]) text = removeHost(text, name);
        assert.equal(text, LAB);
        for (const name of names) assert.ok(all.hosts[name]);
      },
    ),
    { numRuns: 40 },
  );
});
