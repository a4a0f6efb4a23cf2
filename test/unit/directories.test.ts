import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { etcd } from '../../roles/etcd/etcd.ts';
import { patroni } from '../../roles/patroni/patroni.ts';
import { pgbackrest } from '../../roles/pgbackrest/pgbackrest.ts';
import { holder, lockScript } from '../../src/engine/lock.ts';
import { makePlan } from '../../src/engine/plan.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { PATHS } from '../../src/paths.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { frame } from '../../src/shell/frame.ts';
import { dataDirectory } from '../../src/steps/data-directory.ts';
import { directory } from '../../src/steps/directory.ts';
import type { Remote, Step } from '../../src/steps/step.ts';
import { contextFor, EMPTY, FACTS, labCluster } from './model.ts';
import { sh } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-directories-'));
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));

/** Owners can be given only by root, as whom hapg works on hosts and CI runs. */
const asRoot = { skip: userInfo().uid === 0 ? false : 'only root changes owners' };
const NOBODY = Number(sh('id -u nobody').out);
const remote: Remote = {
  host: labCluster().hosts[0]!,
  run: async (script) => {
    const { code, out } = sh(`umask 077\n${script}`);
    if (code !== 0) throw new Error(out.trim());
    return out;
  },
  unit: async () => '',
  handingOver: (_to, work) => work(),
  doing: () => undefined,
};
const stateOf = (step: Step) => step.kind.parse(sh(`${step.kind.probe([step])}\ntrue`).out, [step]).get(step.id);
const difference = (step: Step) => step.kind.diff(step, stateOf(step));
const refusal = (step: Step) => step.kind.refuse?.(step, stateOf(step));
const make = (step: Step) => step.kind.change(step, stateOf(step), remote);
const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
const fresh = (...parts: string[]): string => {
  const made = mkdtempSync(join(root, 'x-'));
  chmodSync(made, 0o755);
  return join(made, ...parts);
};

for (const [what, step] of [
  ['a directory of the system', (path: string) => directory('hardening', path, { mode: '0700' })],
  ['a directory for data', (path: string) => dataDirectory('patroni', path, 'nobody', ['0700', '0750'])],
] as const)
  test(`${what} gets parents that everybody can enter, whatever the umask`, asRoot, async () => {
    const path = fresh('pgdata', '17', 'main');
    await make(step(path));
    assert.equal(difference(step(path)), undefined);
    assert.equal(mode(path), '700');
    for (const parent of ['..', '../..']) {
      assert.equal(mode(join(path, parent)), '755');
      assert.equal(statSync(join(path, parent)).uid, 0, 'nobody else could put something in its place');
    }
  });

test(
  'parents that are there keep owner and mode; new ones belong to the owner of the nearest, where that is the same',
  asRoot,
  async () => {
    const path = fresh('shared', 'own', '17', 'main');
    mkdirSync(join(path, '../..'), { recursive: true });
    chmodSync(join(path, '../../..'), 0o1777);
    chownSync(join(path, '../..'), NOBODY, 0);

    await make(dataDirectory('patroni', path, 'nobody', ['0700']));
    assert.equal(mode(join(path, '../../..')), '1777');
    assert.equal(statSync(join(path, '../../..')).uid, 0);
    assert.equal(mode(path), '700');
  },
);

test('the lock leaves the umask of the persistent shell as it is, and its own file to root', () => {
  const state = fresh('state');
  const script = [
    frame(lockScript(holder('run', 'apply'), 0), 'MARK', true),
    frame(`mkdir -p ${fresh('a', 'b')}; stat -c %a ${root}/*/a`, 'MARK'),
    frame(`umask; stat -c %a ${PATHS.lock} ${PATHS.state}`, 'MARK'),
  ].join('\n');
  const { out } = sh(`umask 022\n${script.replaceAll(PATHS.state, state)}`);
  assert.deepEqual(
    out.split('\n').filter((line) => /^[0-7]+$/.test(line)),
    ['755', '0022', '600', '700'],
  );
});

/** What stands at a path before, what the plan says, and what the run refuses. */
const FOUND: [what: string, put: (path: string) => void, says: RegExp | undefined, refused: RegExp | undefined][] = [
  ['nothing', () => undefined, /^0700 nobody:nobody$/, undefined],
  [
    'an empty directory of root, such as a new disk',
    (path) => mkdirSync(path),
    /root:root → 0700 nobody:nobody, for it is empty$/,
    undefined,
  ],
  [
    'a new file system with its lost+found',
    (path) => mkdirSync(join(path, 'lost+found'), { recursive: true }),
    /for it is empty$/,
    undefined,
  ],
  [
    'a link to an empty directory on another disk',
    (path) => {
      mkdirSync(`${path}.disk`);
      symlinkSync(`${path}.disk`, path);
    },
    /for it is empty$/,
    undefined,
  ],
  [
    'files of somebody else',
    (path) => {
      mkdirSync(path);
      writeFileSync(join(path, '.hidden'), 'x');
    },
    /./,
    /holds files and belongs to root:root/,
  ],
  ['a file', (path) => writeFileSync(path, 'x'), /./, /is a file/],
  ['a link that leads nowhere', (path) => symlinkSync('/nonexistent/disk', path), /./, /link that leads nowhere/],
];
test('an empty directory that a package has made is not taken', () => {
  assert.match(
    refusal(dataDirectory('patroni', '/var/local', 'nobody', ['0700'])) ?? '',
    /^\/var\/local is a directory of the package base-files, and root:\w+ needs it/,
  );
});

for (const [what, put, says, refused] of FOUND)
  test(`a data directory where there is ${what}: ${refused ? 'refused' : 'taken'}`, asRoot, async () => {
    const path = fresh('data');
    put(path);
    const step = dataDirectory('patroni', path, 'nobody', ['0700', '0750']);
    assert.match(difference(step)!.summary, says!);
    if (refused) {
      assert.match(refusal(step)!, refused);
      const before = sh(`ls -lan ${path}`).out;
      await assert.rejects(async () => make(step));
      assert.equal(sh(`ls -lan ${path}`).out, before, 'nothing was touched');
      return;
    }
    const isLink = what.includes('link');
    assert.equal(refusal(step), undefined);
    await make(step);
    assert.equal(difference(step), undefined);
    assert.equal(statSync(path).uid, NOBODY);
    assert.equal(lstatSync(path).isSymbolicLink(), isLink);
  });

test(
  'a database that is there stays as it is, readable for its group too; an open mode is mended',
  asRoot,
  async () => {
    const path = fresh('data');
    mkdirSync(path);
    writeFileSync(join(path, 'PG_VERSION'), '17\n');
    chownSync(path, NOBODY, 0);
    const step = dataDirectory('patroni', path, 'nobody', ['0700', '0750']);
    for (const [bits, says] of [
      [0o700, undefined],
      [0o750, undefined],
      [0o777, /0777 nobody:root → 0700/],
    ] as const) {
      chmodSync(path, bits);
      const found = difference(step);
      if (says) assert.match(found!.summary, says);
      else assert.equal(found, undefined);
      assert.equal(refusal(step), undefined);
    }
    await make(step);
    assert.equal(mode(path), '700');
  },
);

test('an account that cannot get to its directory is told which one above it is closed', asRoot, async () => {
  const path = fresh('closed', 'pg', 'data');
  mkdirSync(join(path, '../..'), { mode: 0o700 });
  await assert.rejects(
    make(dataDirectory('patroni', path, 'nobody', ['0700'])),
    /nobody cannot get to .*: (\S+closed) is drwx------ root:root; "chmod o\+x \1"/,
  );
});

const owners = async (replace: [string, string][]) => {
  const cluster = labCluster(...replace);
  const context = await contextFor(cluster);
  const steps = cluster.hosts.flatMap((host) => [
    ...(host.roles.has('patroni') ? patroni(host, context) : []),
    ...(host.roles.has('etcd') ? etcd(host, context) : []),
    ...(host.roles.has('pgbackrest') ? pgbackrest(host, context) : []),
  ]);
  return steps.filter(({ id }) => /^directory /.test(id));
};
for (const path of ['/opt/pgdata', '/srv/pg', '/pgdata', '/var/lib/pg', '/pgdata/17/main'])
  test(`with postgres.data_dir ${path} nothing above it is handed to anybody`, async () => {
    const steps = await owners([['version: "17"', `version: "17"\n  data_dir: ${path}`]]);
    assert.ok(steps.some(({ want }) => want.path === path && want.owner === 'postgres'));
    for (const { want } of steps)
      assert.ok(!path.startsWith(`${want.path}/`) && want.path !== '', `${want.path} ${want.owner}`);
  });

test('a plan that would take what is not ours tells it before anything is done', async () => {
  const cluster = labCluster();
  const context = await contextFor(cluster);
  const host = cluster.hosts.find(({ name }) => name === 'db1')!;
  const step = dataDirectory('patroni', '/srv/pg', 'postgres', ['0700']);
  const state = { type: 'directory', owner: 'mysql', group: 'mysql', mode: '0755', sha256: '', empty: false };
  const plan = makePlan(
    [{ name: 'x', hosts: () => [host], steps: () => [step] }],
    context,
    { hosts: [host], roles: new Set(ROLE_NAMES) },
    new Map([['db1', { facts: FACTS, observation: EMPTY, states: new Map([[step.id, state]]), prelude: '' }]]),
  );
  assert.match(
    plan.refusals.map(({ host: name, text }) => `${name}: ${text}`).join(),
    /db1: \/srv\/pg holds files and belongs to mysql:mysql/,
  );
});

const INVENTORY = `cluster: pg
clients: [10.0.0.0/8]
postgres: {POSTGRES}
pgbackrest: {PGBACKREST}
etcd: {ETCD}
hosts:
  a: {address: 10.0.0.1, roles: [etcd, patroni]}
  b: {address: 10.0.0.2, roles: [etcd, patroni]}
  c: {address: 10.0.0.3, roles: [etcd, patroni]}
  d: {address: 10.0.0.4, roles: [pgbackrest]}
`;
const load = ({ postgres = '', pgbackrest: repository = '', etcd: dcs = '' }) =>
  parseInventory(
    INVENTORY.replace('POSTGRES', postgres).replace('PGBACKREST', repository).replace('ETCD', dcs),
    'pg.yaml',
  ).cluster;

for (const path of ['/pgdata', '/data/pg', '/var/lib/pg', '/mnt/disk1', '/usr/local/pgsql/data', '/var/opt/pg'])
  test(`a data directory at ${path} is fine`, () => {
    assert.equal(load({ postgres: `data_dir: ${path}` }).hosts[0]!.dataDir, path);
  });

for (const [written, means] of [
  ['/pgdata/17/main/', '/pgdata/17/main'],
  ['//pgdata/./17///main/.', '/pgdata/17/main'],
])
  test(`${written} means ${means}`, () => {
    assert.equal(load({ postgres: `data_dir: ${written}` }).hosts[0]!.dataDir, means);
    assert.equal(load({ etcd: `data_dir: ${written}` }).dcs.dataDir, means);
  });

const REFUSED: [settings: Parameters<typeof load>[0], says: RegExp][] = [
  ...['/', '/srv', '/srv/', '/opt', '/var', '/var/lib', '/var/local', '/mnt', '/var/lib/postgresql'].map(
    (path): [Parameters<typeof load>[0], RegExp] => [
      { postgres: `data_dir: ${path}` },
      /postgres\.data_dir: \/\S* is for others too/,
    ],
  ),
  ...[
    '/etc/pg',
    '/usr/lib/pg',
    '/boot',
    '/home/pg/data',
    '/root/pg',
    '/run/pg',
    '/tmp/pg',
    '/proc/1',
    '/sys',
    '/dev/shm/pg',
    '/var/tmp/x',
    '/var/log/pg',
    '/var/mail',
    '/lost+found',
    '/snap/pg',
    '/nix',
    '/var/lib/systemd/pg',
    '/var/run/pg',
    '/var/lib/hapg/pg',
  ].map((path): [Parameters<typeof load>[0], RegExp] => [
    { postgres: `data_dir: ${path}` },
    /postgres\.data_dir: \/\S* .*; name another directory/,
  ]),
  [{ postgres: 'data_dir: /a/../etc/pg' }, /without \.\./],
  [{ etcd: 'data_dir: /home/etcd' }, /etcd\.data_dir: \/home/],
  [{ pgbackrest: 'path: /tmp/backups' }, /pgbackrest\.path: \/tmp/],
  [{ pgbackrest: 'repositories: [{kind: directory, path: /etc/backups}]' }, /the path of repository 1: \/etc/],
  [{ postgres: 'wal_dir: /home/wal' }, /postgres\.wal_dir: \/home/],
  [{ postgres: 'data_dir: /srv/pg', etcd: 'data_dir: /srv/pg' }, /both \/srv\/pg/],
  [
    { postgres: 'data_dir: /srv/b/pg', pgbackrest: 'path: /srv/b' },
    /postgres\.data_dir \/srv\/b\/pg lies in pgbackrest\.path \/srv\/b/,
  ],
  [
    { postgres: 'data_dir: /srv/pg', pgbackrest: 'path: /srv/pg/backups/' },
    /pgbackrest\.path .* lies in postgres\.data_dir/,
  ],
  [{ postgres: 'data_dir: /srv/pg, wal_dir: /srv/pg/wal' }, /postgres\.wal_dir .* lies in postgres\.data_dir/],
  [{ postgres: 'data_dir: /var/lib/etcd/pg' }, /both \/var\/lib\/etcd\/pg/],
  [
    { pgbackrest: 'repositories: [{kind: directory, path: /srv/b}, {kind: directory, path: /srv/b/}]' },
    /repository 2 and the path of repository 1 are both/,
  ],
];
for (const [settings, says] of REFUSED)
  test(`refused before anything is contacted: ${Object.values(settings).join(', ')}`, () => {
    assert.throws(() => load(settings), says);
  });

test('directories beside each other, and names that only begin alike, are two', () => {
  load({ postgres: 'data_dir: /srv/pg, wal_dir: /srv/pg-wal', pgbackrest: 'path: /srv/pgb' });
});
