import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keptScript, originOf, parseKept, removeScript } from '../../src/cluster/kept.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import type { Host } from '../../src/inventory/model.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { fakeHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { labCluster } from './model.ts';
import { sh } from './sh.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'hapg-kept-')));
after(() => rmSync(root, { recursive: true, force: true }));
const STAMP = '20260131T140500';
let count = 0;

/** A host with a database, in directories of this machine. */
function host(): {
  host: Host;
  data: string;
  list: () => ReturnType<typeof parseKept>;
  make: (path: string) => string;
} {
  const top = join(root, String(++count));
  const cluster = labCluster();
  const data = join(top, 'data');
  const one: Host = { ...cluster.hosts[0]!, dataDir: data };
  const make = (path: string) => {
    mkdirSync(join(top, path), { recursive: true });
    writeFileSync(join(top, path, 'file'), 'x'.repeat(9000));
    return join(top, path);
  };
  make('data/pg_tblspc');
  const model = { ...cluster, dcs: { ...cluster.dcs, dataDir: join(top, 'etcd') }, walDir: join(top, 'wal') };
  return { host: one, data, make, list: () => parseKept(sh(keptScript(model, one)).out, 'db1') };
}

test('the name says which operation has set it aside, and when', () => {
  assert.deepEqual(originOf(`/srv/pg.before-restore-${STAMP}`), {
    origin: 'restore',
    at: Date.parse('2026-01-31T14:05:00Z'),
  });
  assert.equal(originOf(`/srv/pg.replaced-${STAMP}`)?.origin, 'reinit');
  assert.deepEqual(originOf('/var/lib/etcd/aside-broken-1769868300'), { origin: 'repair', at: 1_769_868_300_000 });
  for (const other of [
    '/srv/pg',
    '/srv/pg.replaced-',
    `/srv/pg.replaced-${STAMP}.part`,
    `/srv/pg.replaced-${STAMP}/base`,
    '/srv/pg.replaced-20269931T140500',
    `srv.replaced-${STAMP}`,
  ])
    assert.equal(originOf(other), undefined, other);
});

test('data, WAL, tablespaces and a DCS member that were set aside are found, oldest first, and nothing else', () => {
  const { make, list, data } = host();
  const kept = make(`data.replaced-${STAMP}`);
  make('data.replaced-20260101T000000');
  make(`wal.destroyed-${STAMP}`);
  make('etcd/aside-removed-1769868300');
  make('data.mine');
  make(`data.replaced-${STAMP}.part`);
  mkdirSync(join(kept, 'pg_tblspc'));
  symlinkSync(make(`space.replaced-${STAMP}`), join(kept, 'pg_tblspc', '16401'));
  const all = list();
  assert.deepEqual(all.map(({ path, part, origin }) => `${part} ${origin} ${path.slice(data.length - 4)}`).sort(), [
    'database reinit data.replaced-20260101T000000',
    `database reinit data.replaced-${STAMP}`,
    'dcs remove-node etcd/aside-removed-1769868300',
    `tablespace reinit space.replaced-${STAMP}`,
    `wal destroy wal.destroyed-${STAMP}`,
  ]);
  assert.equal(all[0]!.at, Date.parse('2026-01-01T00:00:00Z'));
  assert.ok(all.every((one) => one.bytes! >= 8192 && one.obstacles.length === 0));
});

test('what was set aside is deleted with everything in it, and only that', () => {
  const { host: one, make, data } = host();
  const path = make(`data.replaced-${STAMP}`);
  const other = make('data.replaced-20260101T000000');
  symlinkSync(other, join(path, 'link'));
  const script = removeScript(one, path);
  assert.equal(sh(script).code, 0);
  assert.deepEqual([path, other, join(other, 'file'), data].map(existsSync), [false, true, true, true]);
  assert.equal(sh(script).code, 0, 'it can be repeated');
});

/** Ways in which a directory is in use, each with the reason. */
const USES: [what: string, use: (path: string, data: string) => void, why: RegExp][] = [
  [
    'a link',
    (path) => {
      rmSync(path, { recursive: true });
      symlinkSync(root, path);
    },
    /it is a link/,
  ],
  [
    'a tablespace of the present database',
    (path, data) => symlinkSync(path, join(data, 'pg_tblspc', '1')),
    /present database has a part there/,
  ],
  ['WAL of the present database', (path, data) => symlinkSync(path, join(data, 'pg_wal')), /present database/],
];
for (const [what, use, why] of USES)
  test(`it is kept where it is ${what}`, () => {
    const { host: one, make, data, list } = host();
    const path = make(`data.replaced-${STAMP}`);
    use(path, data);
    assert.match(
      list()
        .find((kept) => kept.path === path)!
        .obstacles.join(),
      why,
    );
    assert.equal(sh(removeScript(one, path)).code, 1);
    assert.ok(existsSync(path));
  });

test('it is kept while a process works in it', () => {
  const { host: one, make } = host();
  const path = make(`data.replaced-${STAMP}`);
  const { code, out } = sh(
    `cd ${path}; sleep 20 & sleeper=$!; cd /\n( ${removeScript(one, path)} ); code=$?\nkill $sleeper; exit $code`,
  );
  assert.equal(code, 1);
  assert.match(out, /in use.* open/);
  assert.ok(existsSync(join(path, 'file')));
});

test('a host without the database and the DCS has nothing', () => {
  const cluster = labCluster();
  const client = cluster.hosts.find(({ name }) => name === 'client')!;
  assert.deepEqual(parseKept(sh(keptScript(cluster, client)).out, 'client'), []);
});

const PATH = `/var/lib/postgresql/17/pglab.replaced-${STAMP}`;
const NAME = `db2:${PATH}`;
const saying = (line: string) => ({ db2: { answers: { 'kept|': `${line}\n` } } });

test('kept list shows names, sizes and origins', async (context) => {
  const fakes = await fakeHosts(saying(`kept|database|2048||${PATH}`));
  context.after(() => fakes.close());
  const { code, out } = await inProcess(['kept', 'list', '-i', fakes.inventory]);
  assert.equal(code, 0);
  assert.match(out, /^NAME +PART +BY +WHEN +SIZE\ndb2:\/var\S+ +database +reinit +2026-01-31T14:05:00Z +2\.0 MiB\n/);
  const { kept } = JSON.parse((await inProcess(['kept', 'list', '-i', fakes.inventory, '-o', 'json'])).out);
  assert.deepEqual(kept, [
    {
      ...{ name: NAME, host: 'db2', path: PATH, part: 'database', origin: 'reinit' },
      ...{ date: '2026-01-31T14:05:00Z', bytes: 2_097_152, obstacles: [] },
    },
  ]);
});

for (const [name, says] of [
  ['db2', /expected HOST:PATH/],
  ['db2:/var/lib/postgresql/17/pglab', /no operation of hapg names/],
  [`db2:/etc/../srv/pg.replaced-${STAMP}`, /no operation of hapg names/],
  [`db9:${PATH}`, /db9: .* no such host/],
] as const)
  test(`nothing is contacted for a name that is none: ${name}`, async () => {
    const { code, err } = await inProcess(['kept', 'rm', name, '-i', 'inventory/lab.yaml', '--yes', '--confirm', name]);
    assert.equal(code, 5, err);
    assert.match(err, says);
  });

const rm = (inventory: string, confirm: string) =>
  inProcess(['kept', 'rm', NAME, '-i', inventory, '--yes', '--confirm', confirm]);

test('kept rm deletes what was named and typed, under the lock', async (context) => {
  const fakes = await fakeHosts(saying(`kept|database|2048||${PATH}`));
  context.after(() => fakes.close());
  await (await SecretStore.create(loadInventory(fakes.inventory).cluster)).save();
  const deleted = () => fakes.scripts.filter(({ script }) => script.includes('rm -rf --one-file-system'));
  const wrong = await rm(fakes.inventory, 'db2');
  assert.equal(wrong.code, 1, wrong.err);
  assert.equal(deleted().length, 0);
  const { code, out, err } = await rm(fakes.inventory, NAME);
  assert.equal(code, 0, err);
  assert.match(out, /DELETED: 2\.0 MiB of a database, set aside by reinit/);
  assert.deepEqual(
    deleted().map(({ host: where }) => where),
    ['db2'],
  );
  assert.ok(fakes.scripts.some(({ host: where, script }) => where === 'db2' && script.includes('flock')));
});

test('kept rm refuses what is in use, and what is not there', async (context) => {
  const fakes = await fakeHosts(saying(`kept|database|2048|live open |${PATH}`));
  const others = await fakeHosts(saying('nothing'));
  context.after(() => {
    fakes.close();
    others.close();
  });
  for (const { inventory } of [fakes, others])
    await (await SecretStore.create(loadInventory(inventory).cluster)).save();
  const used = await rm(fakes.inventory, NAME);
  assert.equal(used.code, 1);
  assert.match(used.err, /the present database has a part there/);
  const none = await rm(others.inventory, NAME);
  assert.equal(none.code, 1);
  assert.match(none.err, /there is no such kept data/);
});
