import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse as parseIni } from 'ini';
import { parse } from 'yaml';
import { apply } from '../../playbooks/apply.ts';
import { destroy } from '../../playbooks/destroy.ts';
import { storageOf } from '../../playbooks/inspect-host.ts';
import { keptDirectory, type RestoreOrder, recoverFirst } from '../../playbooks/recover.ts';
import { reinit } from '../../playbooks/reinit.ts';
import { follow, restore } from '../../playbooks/restore.ts';
import { needsOf } from '../../roles/needs.ts';
import { patroniConfig } from '../../roles/patroni/config.ts';
import { cloneSourceAccess } from '../../roles/pgbackrest/clone-source.ts';
import { pgbackrestConfig } from '../../roles/pgbackrest/config.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { databasePaths } from '../../src/cluster/storage.ts';
import { capabilities } from '../../src/cluster/versions.ts';
import { describeEnd } from '../../src/commands/destroy.ts';
import { admitApply, checkIdentity } from '../../src/decisions/admission.ts';
import { mayAdd } from '../../src/decisions/growth.ts';
import { mayClone } from '../../src/decisions/restore.ts';
import { hasRoom, placesFree } from '../../src/decisions/storage.ts';
import { type Verdict, verdict } from '../../src/decisions/verdict.ts';
import { diskCheck } from '../../src/doctor/disk.ts';
import { untilCopied } from '../../src/engine/copying.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { probeScript } from '../../src/engine/probe.ts';
import { immutableSettings } from '../../src/inventory/immutable.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { dataDirectory } from '../../src/observe/data-directory.ts';
import type { Observation } from '../../src/observe/index.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { Secret } from '../../src/secret.ts';
import { inventoryDigest } from '../../src/secrets/inventory-digest.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { hostsWithBackup } from '../support/fake-hosts.ts';
import { probed } from '../support/fake-probe.ts';
import { inProcess } from '../support/in-process.ts';
import { runOver } from './engine/run.ts';
import { contextFor, EMPTY, FACTS, healthyLab, its, labCluster } from './model.ts';

const DB3 = 'db3:    {address: 10.1.1.12, ssh: {host: 127.0.0.1, port: 3003}';
const DEFAULT = '/var/lib/postgresql/17/pglab';
const OWN = '/srv/disk3/pg';
const withOwn = (path = OWN, ...replace: [string, string][]) =>
  labCluster([DB3, `${DB3}, postgres: {data_dir: ${path}}`], ...replace);
const host = (cluster: Cluster, name: string) => cluster.hosts.find((one) => one.name === name)!;
const reasons = (verdict: Verdict) => (verdict.ok ? [] : verdict.reasons);

const plain = labCluster();
const cluster = withOwn();
const db3 = host(cluster, 'db3');

/** Everything that an apply wants on a host, and the script that looks for it, as texts. */
async function wanted(of: Cluster, name: string, secrets: SecretStore): Promise<string[]> {
  const context = { ...(await contextFor(of, healthyLab())), secrets };
  const scope = { hosts: of.hosts, roles: new Set(ROLE_NAMES) };
  const steps = allSteps(apply, host(of, name), context, scope).flatMap((stage) => stage.steps);
  return [
    `probe {\n${probeScript(of, host(of, name), steps, 'NONCE')}}`,
    ...steps.map(({ id, want }) => {
      const { content, ...rest } = want as FileWant;
      return `${id} ${JSON.stringify(rest)} ${content instanceof Secret ? content.reveal() : (content ?? '')}`;
    }),
  ];
}

describe("a host's own data directory", () => {
  const EVERYTHING: [string, string][] = [
    ['version: "17"', 'version: "17"\n  wal_dir: /srv/wal'],
    ['pgbackrest:\n', 'pgbackrest:\n  read_bandwidth: 10M\n'],
  ];
  for (const [what, replace] of [
    ['', []],
    [', with its WAL elsewhere and its backups slowed', EVERYTHING],
  ] as const)
    test(`is where everything on that host looks for its database${what}`, async () => {
      const of = withOwn(OWN, ...replace);
      const texts = await wanted(of, 'db3', await SecretStore.create(of));
      assert.deepEqual(
        texts.filter((text) => text.includes(DEFAULT)),
        [],
      );
      const places = texts.filter((text) => text.includes(OWN)).length;
      assert.ok(places >= (replace.length > 0 ? 11 : 9), String(places));
    });

  test('changes nothing on other hosts, but for what the backup host has of it', async () => {
    const secrets = await SecretStore.create(plain);
    for (const { name } of plain.hosts.filter((one) => one.name !== 'db3')) {
      const [before, after] = [await wanted(plain, name, secrets), await wanted(cluster, name, secrets)];
      const changed = after.filter((text) => !before.includes(text));
      assert.deepEqual(
        changed.map((text) => text.split(' {')[0]),
        name === 'backup' ? ['probe', 'file /etc/pgbackrest/pgbackrest.conf'] : [],
      );
    }
  });

  test("is Patroni's, and the backup host finds each member in its own", async () => {
    const context = await contextFor(cluster);
    const patroniOf = (name: string) => parse(patroniConfig(host(cluster, name), context).reveal()).postgresql;
    assert.equal(patroniOf('db3').data_dir, OWN);
    assert.equal(patroniOf('db1').data_dir, DEFAULT);
    const stanzaOn = (name: string) => parseIni(pgbackrestConfig(host(cluster, name), context).reveal()).pglab;
    const backup = stanzaOn('backup');
    assert.deepEqual([backup['pg1-path'], backup['pg2-path'], backup['pg3-path']], [DEFAULT, DEFAULT, OWN]);
    assert.equal(stanzaOn('db3')['pg1-path'], OWN);
    assert.equal(stanzaOn('db1')['pg1-path'], DEFAULT);
  });

  test('lies over that of all hosts', () => {
    const both = withOwn(OWN, ['version: "17"', 'version: "17"\n  data_dir: /srv/pg']);
    assert.deepEqual(
      both.hosts.filter(({ roles }) => roles.has('patroni')).map(({ name, dataDir }) => `${name} ${dataDir}`),
      ['db1 /srv/pg', 'db2 /srv/pg', `db3 ${OWN}`],
    );
  });

  test('is a reason for another generation of the inventory', () => {
    assert.notEqual(inventoryDigest(cluster.settings), inventoryDigest(plain.settings));
    assert.notEqual(inventoryDigest(cluster.settings), inventoryDigest(withOwn('/srv/disk4/pg').settings));
  });

  test('is looked at by doctor', async () => {
    const found = async (of: Cluster, name: string) => {
      const given = new Map([[host(of, name), '.']]);
      return diskCheck.judge(given, needsOf(await contextFor(of), true)).map(({ seen }) => seen);
    };
    assert.ok((await found(cluster, 'db3')).includes(`nothing is known about ${OWN}`));
    assert.ok((await found(cluster, 'db1')).includes(`nothing is known about ${DEFAULT}`));
  });
});

describe('what is said of a data directory names that of the host', () => {
  /** The lab, in which this was observed on db1 and db3. */
  const seen = (data: Observation['dataDirectory']) => {
    const all = structuredClone(healthyLab());
    for (const name of ['db1', 'db3']) all.get(name)!.dataDirectory = data;
    return takeSnapshot(all);
  };
  const admission = (data: Observation['dataDirectory']) => reasons(admitApply(cluster, seen(data), []));
  const expectBoth = (found: string[], db1: string, own: string) => {
    assert.ok(
      found.some((one) => one.startsWith(`db1: ${db1}`)),
      found.join('\n'),
    );
    assert.ok(
      found.some((one) => one.startsWith(`db3: ${own}`)),
      found.join('\n'),
    );
  };

  test('when its database is gone', () => {
    const end = 'had the database of this host and is empty now';
    expectBoth(admission({ said: { state: 'absent', lost: true } }), `${DEFAULT} ${end}`, `${OWN} ${end}`);
  });

  test('when it holds other files', () => {
    const end = 'holds files but no database';
    expectBoth(admission({ said: { state: 'foreign' } }), `${DEFAULT} ${end}`, `${OWN} ${end}`);
  });

  test('when it is the root of a file system, with the setting that names it', () => {
    const found = admission({ said: { state: 'foreign', roots: [DEFAULT, OWN] } });
    const of = (path: string) => found.filter((one) => one.includes(`: ${path} is the root`));
    assert.match(
      of(OWN).find((one) => one.startsWith('db3'))!,
      /name one below it with hosts\.db3\.postgres\.data_dir$/,
    );
    assert.match(of(DEFAULT).find((one) => one.startsWith('db1'))!, /name one below it with postgres\.data_dir$/);
    assert.deepEqual(
      found.filter((one) => one.includes('holds files')),
      [],
      'its lost+found is no file of somebody',
    );
    const other = admission({ said: { state: 'foreign', roots: [OWN] } }).filter((one) => one.includes('holds files'));
    assert.deepEqual(
      other.map((one) => one.split(' ')[0]),
      ['db1:'],
    );
  });

  test('when the host has noted its database there, and nowhere else', () => {
    const read = (noted: string) => its(dataDirectory.read(`absent\nnoted ${noted}\n.`, cluster, db3)).lost;
    assert.equal(read(OWN), true);
    assert.equal(read(DEFAULT), undefined);
    assert.deepEqual(dataDirectory.read('.', cluster, db3), { silent: `${OWN} cannot be read` });
  });

  test('when a host that joins has another database, or no room', () => {
    const facts = (path: string) => ({
      storage: { places: [], rooms: [{ path, state: 'absent' as const, device: '1', freeBytes: 1e6 }] },
      tablespaces: [],
      databaseBytes: 1e9,
      leader: {},
      candidate: {},
    });
    const foreign = seen({ said: { state: 'cluster', systemIdentifier: '8000' } });
    assert.match(
      reasons(mayAdd(cluster, foreign, db3, facts(OWN))).join(),
      /^db3: \/srv\/disk3\/pg is of another database/,
    );
    const empty = reasons(mayAdd(cluster, seen({ said: { state: 'absent' } }), db3, facts(OWN))).join();
    assert.match(empty, /^db3: 976\.6 KiB are free for \/srv\/disk3\/pg, and/);
    const unknown = { databaseBytes: 1, tablespaces: [], extraBytes: 0 };
    assert.deepEqual(reasons(hasRoom(db3, unknown, { places: [], rooms: [] })), [
      `db3: it is not known how much room there is for ${OWN}`,
    ]);
    // What is in the data directory itself is judged elsewhere.
    const rooms = [OWN, DEFAULT].map((path) => ({ path, state: 'taken' as const, device: '1', freeBytes: 1e9 }));
    assert.match(reasons(placesFree(db3, { places: [], rooms })).join(), /^db3: \/var\/lib\/\S+ is not empty[^/]*$/);
  });

  test('when a clone would be made on hosts that are not empty', () => {
    const source = { ...plain, file: '/other.yaml', repositories: [] };
    expectBoth(
      reasons(mayClone(source, cluster, seen({ said: { state: 'cluster' } }))),
      `${DEFAULT} is not empty`,
      `${OWN} is not empty`,
    );
  });

  test('when a cluster ends: one path where all have the same, else each', () => {
    const end = (of: Cluster) => describeEnd(of, { stamp: 's', backups: false });
    assert.ok(
      end(plain).includes(`  the data on db1, db2, db3 is set aside as ${DEFAULT}.destroyed-s, or stays in place`),
    );
    assert.ok(
      end(cluster).includes(
        `  the data on db1, db2, db3 is set aside as db1: ${DEFAULT}.destroyed-s, db2: ${DEFAULT}.destroyed-s, db3: ${OWN}.destroyed-s, or stays in place`,
      ),
    );
  });
});

describe('operations on a host work in its own data directory', () => {
  const order: RestoreOrder = {
    target: { kind: 'latest' },
    timeline: 1,
    backup: '20260101-000000F',
    repository: 1,
    bytes: 5,
    host: 'db3',
    stamp: 's',
    done: [],
  };
  /** An operation on hosts that refuse what has `failsAt` in it, so that it ends there. */
  async function operation(failsAt: string) {
    const { op, begin, network } = runOver((script) =>
      script.includes(failsAt) ? { code: 1, output: 'enough was seen' } : (probed(script) ?? ''),
    );
    await begin();
    const through = op.through({ ...op.cluster, hosts: cluster.hosts, walDir: '/srv/wal' });
    /** Expects that a host was told this of its directory, and nothing of another one. */
    const expectTold = (name: string, path: string, ...what: string[]) => {
      for (const one of what)
        assert.ok(network.told(name, one + path).length > 0, `${name} was not told "${one}${path}"`);
      assert.deepEqual(network.told(name, path === OWN ? DEFAULT : OWN), []);
    };
    return { op: through, expectTold };
  }

  test('a restore of the first host', async () => {
    const { op, expectTold } = await operation('nothing fails');
    const context = await contextFor(cluster);
    const run = recoverFirst(op, context, db3, order, { stanza: 'pglab', options: [], own: true });
    await assert.rejects(run, /the former data is in \/srv\/disk3\/pg\.before-restore-s\. Name/);
    expectTold('db3', OWN, 'readlink -m -- ', 'install -d -o postgres -g postgres -m 0700 ');
    assert.equal(keptDirectory(db3, order), `${OWN}.before-restore-s`);
    assert.equal(keptDirectory(host(cluster, 'db1'), order), `${DEFAULT}.before-restore-s`);
  });

  test('a restore of a replica', async () => {
    const { op, expectTold } = await operation('rm -f /var/lib/hapg/restore');
    const secrets = await SecretStore.create(op.cluster);
    for (const [name, path] of [
      ['db3', OWN],
      ['db2', DEFAULT],
    ] as const) {
      await assert.rejects(follow(op, secrets, op.host(name), order), /enough was seen/);
      expectTold(name, path, 'install -d -o postgres -g postgres -m 0700 ');
    }
  });

  test('a restore of all', async () => {
    const { op, expectTold } = await operation('apt-get');
    const run = restore(op, await SecretStore.create(op.cluster), order, () => undefined);
    await assert.rejects(run);
    expectTold('db3', OWN, 'postgres -D ');
    expectTold('db1', DEFAULT, 'postgres -D ');
  });

  test('a rebuilt replica', async () => {
    const { op, expectTold } = await operation('nothing fails');
    const all = structuredClone(healthyLab());
    // A member that is stopped has no clients to wait for.
    for (const { members } of [...all.values()].flatMap((one) => (one.patroni ? [its(one.patroni)] : [])))
      members![2]!.state = 'stopped';
    Object.assign(op, { observe: async () => takeSnapshot(all), until: async () => takeSnapshot(all) });
    await reinit(op, db3, 1, 's');
    expectTold('db3', OWN, 'postgres -D ', 'readlink -m -- ', "printf %s '");
  });

  test('the wait for a copy', async () => {
    const { op, expectTold } = await operation('nothing fails');
    let looks = 0;
    await untilCopied(op, db3, 'streaming', () => verdict(++looks > 3 ? [] : ['not yet']));
    expectTold('db3', OWN, 'd=');
  });

  test('the end of a cluster', async () => {
    const { op, expectTold } = await operation('nothing fails');
    await destroy(op, { stamp: 's', backups: false });
    for (const [name, path] of [
      ['db1', DEFAULT],
      ['db3', OWN],
    ] as const)
      expectTold(name, path, 'postgres -D ', 'readlink -m -- ');
  });

  test('the look at its disks', async () => {
    const { op, expectTold } = await operation('nothing fails');
    await storageOf(op, db3, databasePaths(db3, cluster, []));
    expectTold('db3', OWN, 'readlink -f -- ', 'for p in ');
  });

  test('the words of a restore', async (context) => {
    const fakes = await setUp(context, { hosts: hostsWithBackup(), stored: true });
    const text = readFileSync(fakes.inventory, 'utf8');
    writeFileSync(fakes.inventory, text.replace('  db1:    {', `  db1:    {postgres: {data_dir: ${OWN}}, `));
    const words = ['restore', '--latest', '--yes', '--confirm', 'pglab'];
    const { out, err } = await inProcess([...words, '-i', fakes.inventory]);
    assert.match(
      out,
      /the present data of db1 is moved to \/srv\/disk3\/pg\.before-restore-\w+; .* move it to \/srv\/disk3\/pg again/,
      err,
    );
  });

  test('the configuration with which a clone is restored', async () => {
    const source = await SecretStore.create(plain);
    const configOf = (name: string) =>
      cloneSourceAccess(host(cluster, name), plain, source, capabilities(FACTS))
        .map(({ want }) => (want as FileWant).content)
        .flatMap((content) => (content instanceof Secret ? [content.reveal()] : []))
        .find((text) => text.includes('pg1-path'))!;
    assert.match(configOf('db3'), /^pg1-path=\/srv\/disk3\/pg$/m);
    assert.match(configOf('db1'), /^pg1-path=\/var\/lib\/postgresql\/17\/pglab$/m);
  });
});

describe("a host's own data directory is refused before anything is contacted, at its place,", () => {
  const LINES = readFileSync('inventory/lab.yaml', 'utf8').split('\n');
  /** The start of a message about what is written `behind` this in the line of a host. */
  const at = (name: string, line: string, behind: string, message: string) =>
    `inventory/lab.yaml:${LINES.findIndex((one) => one.trimStart().startsWith(`${name}:`)) + 1}:${line.indexOf(behind) + behind.length + 3}: error: ${message}`;
  const db3At = (path: string, message: string) => {
    const line = `${DB3}, postgres: {data_dir: ${path}}`;
    return at('db3', line, 'data_dir: ', message);
  };
  const said = (make: () => Cluster): string => {
    try {
      make();
      return '';
    } catch (cause) {
      return (cause as Error).message;
    }
  };

  for (const [what, path, message] of [
    ['in a system directory', '/etc/pg', 'hosts.db3.postgres.data_dir: /etc belongs to the system and its packages'],
    ['shared with others', '/srv', 'hosts.db3.postgres.data_dir: /srv is for others too'],
    ['with ..', '/srv/../etc', 'hosts.db3.postgres.data_dir: write /srv/../etc without ..'],
    [
      "that is etcd's",
      '/var/lib/etcd/pglab',
      'etcd.data_dir and hosts.db3.postgres.data_dir are both /var/lib/etcd/pglab',
    ],
    [
      'in that of etcd',
      '/var/lib/etcd/pglab/pg',
      'hosts.db3.postgres.data_dir /var/lib/etcd/pglab/pg lies in etcd.data_dir /var/lib/etcd/pglab',
    ],
  ] as const)
    test(what, () => {
      const found = said(() => withOwn(path));
      assert.ok(found.includes(db3At(path, message)), found);
    });

  test('when the WAL of all hosts lies in it', () => {
    const found = said(() => withOwn('/srv/pg', ['version: "17"', 'version: "17"\n  wal_dir: /srv/pg/wal']));
    assert.ok(
      /lab\.yaml:\d+:\d+: error: postgres\.wal_dir \/srv\/pg\/wal lies in hosts\.db3\.postgres\.data_dir \/srv\/pg/.test(
        found,
      ),
      found,
    );
    const line = LINES.findIndex((one) => one.trimStart().startsWith('db3:')) + 2;
    assert.ok(found.includes(`inventory/lab.yaml:${line}:`), `${found} is not on line ${line}`);
    assert.equal(found.match(/error: /g)!.length, 1);
  });

  test('on a host without PostgreSQL', () => {
    const proxy = 'proxy1: {address: 10.1.1.14, ssh: {host: 127.0.0.1, port: 3005}';
    const found = said(() => labCluster([proxy, `${proxy}, postgres: {data_dir: /srv/pg}`]));
    assert.match(found, /lab\.yaml:\d+:\d+: error: proxy1 has no PostgreSQL: its roles lack patroni/);
  });

  test('and when it is no path', () => {
    const found = said(() => withOwn('pg'));
    assert.ok(found.includes(db3At('pg', '')) && found.includes('expected an absolute path'), found);
  });
});

describe("a host's own data directory is fine", () => {
  test('beside, around or equal to that of another host', () => {
    for (const path of [DEFAULT, `${DEFAULT}/of-db3`, '/srv/pg/']) withOwn(path);
    assert.equal(host(withOwn('//srv/./pg/'), 'db3').dataDir, '/srv/pg', 'and its normal form is meant');
  });

  test('where every host has one, and so nothing is in the default', () => {
    const text = readFileSync('inventory/lab.yaml', 'utf8').replace(
      'version: "17"',
      'version: "17"\n  wal_dir: /var/lib/postgresql/17/pglab/wal',
    );
    const load = (changed: string) => parseInventory(changed, 'inventory/lab.yaml').cluster;
    assert.throws(() => load(text), /wal_dir .* lies in postgres\.data_dir/);
    const own = text.replaceAll(/^( *db\d: +\{address: [^,]+)/gm, '$1, postgres: {data_dir: /srv/pg}');
    assert.deepEqual(
      load(own)
        .hosts.filter(({ roles }) => roles.has('patroni'))
        .map(({ dataDir }) => dataDir),
      ['/srv/pg', '/srv/pg', '/srv/pg'],
    );
  });
});

describe('while the cluster lives, where the data of a host is', () => {
  const IDENTITY = { cluster: 'pglab', uuid: 'u1', generation: 4, authorities: {} };
  const moved = 'that cannot be changed while the cluster lives';
  /** The living lab, whose hosts have noted what `applied` says, with changes. */
  const living = (applied: Cluster, change: (all: Map<string, Observation>) => void = () => undefined) => {
    const all = structuredClone(healthyLab());
    for (const [name, one] of all)
      one.identity = { ...IDENTITY, fixed: immutableSettings(applied, host(applied, name)) };
    change(all);
    return takeSnapshot(all);
  };
  const judged = (now: Cluster, applied: Cluster, change?: Parameters<typeof living>[1]) =>
    reasons(checkIdentity(now, living(applied, change), IDENTITY));

  test('is noted on the host, under the key of old', async () => {
    const noted = async (of: Cluster, name: string) => {
      const texts = await wanted(of, name, await SecretStore.create(of));
      const note = texts.find((one) => one.startsWith('file /etc/hapg/cluster.json '))!;
      return /"postgres\.data_dir": "(.*)"/.exec(note)![1];
    };
    assert.equal(await noted(cluster, 'db3'), OWN);
    assert.equal(await noted(cluster, 'db1'), DEFAULT);
    assert.equal(await noted(plain, 'db3'), DEFAULT);
    assert.equal(await noted(plain, 'proxy1'), DEFAULT);
  });

  test('is fine as it was noted', () => {
    assert.deepEqual(judged(plain, plain), []);
    assert.deepEqual(judged(cluster, cluster), []);
  });

  test('is refused when the host gets a directory of its own', () => {
    assert.deepEqual(judged(cluster, plain), [
      `db3: hosts.db3.postgres.data_dir is ${DEFAULT}, and the inventory says ${OWN}: ${moved}. Put the former value back`,
    ]);
  });

  test('is refused when its own is changed', () => {
    assert.deepEqual(judged(withOwn('/srv/disk4/pg'), cluster), [
      `db3: hosts.db3.postgres.data_dir is ${OWN}, and the inventory says /srv/disk4/pg: ${moved}. Put the former value back`,
    ]);
  });

  test('is refused when its own is taken out', () => {
    assert.deepEqual(judged(plain, cluster), [
      `db3: postgres.data_dir is ${OWN}, and the inventory says ${DEFAULT}: ${moved}. Put the former value back`,
    ]);
  });

  test('is refused when that of all is changed and it has no own', () => {
    const both = withOwn(OWN, ['version: "17"', 'version: "17"\n  data_dir: /srv/pg']);
    assert.deepEqual(judged(both, cluster), [
      `db1: postgres.data_dir is ${DEFAULT}, and the inventory says /srv/pg: ${moved}. Put the former value back`,
    ]);
  });

  test('is fine when the same path is written for each host', () => {
    const top = labCluster(['version: "17"', 'version: "17"\n  data_dir: /srv/pg']);
    const text = readFileSync('inventory/lab.yaml', 'utf8').replaceAll(
      /^( *db\d: +\{address: [^,]+)/gm,
      '$1, postgres: {data_dir: /srv/pg}',
    );
    assert.deepEqual(judged(parseInventory(text, 'inventory/lab.yaml').cluster, top), []);
  });

  /** db3 as a host that is to get PostgreSQL, while another one leads. */
  const joins = (all: Map<string, Observation>) => {
    const { identity } = all.get('db3')!;
    const none = { self: undefined, members: undefined, paused: false };
    all.set('db3', { ...EMPTY, identity, dataDirectory: { said: { state: 'absent' } }, patroni: { said: none } });
  };

  test('may be another one than it was when the host has noted no database, and joins', () => {
    assert.deepEqual(judged(cluster, plain, joins), []);
  });

  test('is refused when it has noted one, its Patroni runs, or one of both is not known', () => {
    for (const change of [
      (one: Observation) => void (its(one.dataDirectory).noted = DEFAULT),
      (one: Observation) => void (its(one.patroni).self = { state: 'running' }),
      (one: Observation) => void (one.dataDirectory = { silent: 'the storage does not answer in time' }),
      (one: Observation) => void (one.patroni = { silent: 'no answer in time' }),
    ])
      assert.match(
        judged(cluster, plain, (all) => {
          joins(all);
          change(all.get('db3')!);
        }).join(),
        /db3: hosts\.db3\.postgres\.data_dir is .* cannot be changed/,
      );
  });

  test('is refused when no other host leads', () => {
    const leaderless = (all: Map<string, Observation>) => {
      joins(all);
      for (const name of ['db1', 'db2', 'db3']) its(all.get(name)!.patroni).members = [];
    };
    assert.match(
      judged(cluster, plain, leaderless).join(),
      /db3: hosts\.db3\.postgres\.data_dir is .* cannot be changed/,
    );
  });
});
