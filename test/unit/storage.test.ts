import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import {
  type Place,
  parseStorage,
  placeWal,
  type Storage,
  setDatabaseAside,
  setDatabaseAsideOrLeave,
  storageScript,
} from '../../src/cluster/storage.ts';
import { hasRoom, maySetAside, placesFree } from '../../src/decisions/storage.ts';
import { setContentsAside } from '../../src/programs/files.ts';
import { moveWal } from '../../src/steps/wal-directory.ts';
import { labCluster } from './model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-storage-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A host's disks: `mounts` are mount points there, by a program in front of the machine's own. */
let disks = '';
const at = (...path: string[]) => join(disks, ...path);
const programs = join(root, 'bin');
mkdirSync(programs);
const program = (name: string, text: string) => {
  writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(programs, name), 0o755);
};
// The accounts of a database host are not on the machine that runs tests.
program(
  'install',
  'while [ $# -gt 0 ]; do case "$1" in -d|--) shift ;; -o|-g|-m) shift 2 ;; *) mkdir -p "$1"; shift ;; esac; done',
);
const mounts = (...paths: string[]) =>
  program(
    'mountpoint',
    `for last; do :; done; case "$last" in ${paths.map((path) => `'${path}'`).join('|') || '-'}) exit 0 ;; esac; exit 1`,
  );

function run(script: string) {
  const { status, stdout, stderr } = spawnSync('sh', ['-s'], {
    input: script,
    encoding: 'utf8',
    env: { PATH: `${programs}:${process.env.PATH}`, LC_ALL: 'C' },
  });
  return { code: status, out: `${stdout}${stderr}` };
}

/** A database with one tablespace and its WAL elsewhere. */
beforeEach(() => {
  disks = mkdtempSync(join(root, 'host-'));
  mounts();
  for (const directory of ['pg/17/main/pg_tblspc', 'pg/17/main/base', 'tbs/t1/PG_17_1', 'wal/main'])
    mkdirSync(at(directory), { recursive: true });
  writeFileSync(at('pg/17/main/PG_VERSION'), '17\n');
  writeFileSync(at('pg/17/main/base/1'), 'rows');
  writeFileSync(at('tbs/t1/PG_17_1/2'), 'more rows');
  writeFileSync(at('wal/main/000000010000000000000001'), 'wal');
  symlinkSync(at('tbs/t1'), at('pg/17/main/pg_tblspc/16500'));
  symlinkSync(at('wal/main'), at('pg/17/main/pg_wal'));
});

/** The whole database can be read through the kept data directory, and its places are empty. */
function expectAside(suffix: string, { emptied = true } = {}) {
  const kept = at(`pg/17/main.${suffix}`);
  assert.equal(readFileSync(join(kept, 'PG_VERSION'), 'utf8'), '17\n');
  assert.equal(readFileSync(join(kept, 'base/1'), 'utf8'), 'rows');
  assert.equal(readFileSync(join(kept, 'pg_tblspc/16500/PG_17_1/2'), 'utf8'), 'more rows');
  assert.equal(readFileSync(join(kept, 'pg_wal/000000010000000000000001'), 'utf8'), 'wal');
  assert.equal(readlinkSync(join(kept, 'pg_wal')), at(`wal/main.${suffix}`));
  if (emptied) for (const place of ['pg/17/main', 'tbs/t1', 'wal/main']) assert.deepEqual(readdirSync(at(place)), []);
}

describe('a database that is set aside', () => {
  test('is kept whole, tablespaces and WAL too, and leaves empty directories', () => {
    assert.deepEqual(run(setDatabaseAside(at('pg/17/main'), 'kept')), { code: 0, out: '' });
    expectAside('kept');
  });

  test('is nothing on a host that has lost it, with the directories above it too', () => {
    assert.deepEqual(run(setDatabaseAside(at('lost/17/main'), 'kept')), { code: 0, out: '' });
    assert.ok(!existsSync(at('lost')));
  });

  test('is not touched again by a second run, nor is what has come in its place', () => {
    run(setDatabaseAside(at('pg/17/main'), 'kept'));
    mkdirSync(at('pg/17/main/pg_tblspc'));
    writeFileSync(at('pg/17/main/PG_VERSION'), 'new\n');
    symlinkSync(at('tbs/t1'), at('pg/17/main/pg_tblspc/16500'));
    assert.equal(run(setDatabaseAside(at('pg/17/main'), 'kept')).code, 0);
    assert.equal(readFileSync(at('pg/17/main/PG_VERSION'), 'utf8'), 'new\n');
    assert.equal(readlinkSync(at('pg/17/main/pg_tblspc/16500')), at('tbs/t1'));
    expectAside('kept', { emptied: false });
  });

  for (const [what, paths] of [
    ['the data directory is a mount point', ['pg/17/main']],
    ['the tablespace is one', ['tbs/t1']],
    ['all three are', ['pg/17/main', 'tbs/t1', 'wal/main']],
  ] as const)
    test(`is copied, compared and emptied where ${what}`, () => {
      mounts(...paths.map((path) => at(path)));
      mkdirSync(at('pg/17/main/lost+found'));
      assert.deepEqual(run(setDatabaseAside(at('pg/17/main'), 'kept')), { code: 0, out: '' });
      rmSync(at('pg/17/main/lost+found'), { recursive: true, force: true });
      expectAside('kept');
      assert.deepEqual(readdirSync(at('pg/17')).sort(), ['main', 'main.kept'], 'no half copy is left');
    });

  test('keeps everything when nobody could compare its copy', () => {
    mounts(at('pg/17/main'));
    program('sort', 'cat >/dev/null; echo "sort: write failed: No space left on device" >&2; exit 2');
    try {
      assert.notEqual(run(setDatabaseAside(at('pg/17/main'), 'kept')).code, 0);
      assert.equal(readFileSync(at('pg/17/main/base/1'), 'utf8'), 'rows');
    } finally {
      rmSync(join(programs, 'sort'));
    }
  });

  test('that cannot be moved ends the script, also where mount points are left', () => {
    program('mv', 'echo "mv: no" >&2; exit 1');
    try {
      for (const script of [
        setDatabaseAside(at('pg/17/main'), 'kept'),
        setDatabaseAsideOrLeave(at('pg/17/main'), 'kept'),
      ])
        assert.doesNotMatch(run(`${script}\necho on`).out, /^on$/m);
    } finally {
      rmSync(join(programs, 'mv'));
    }
  });

  test('keeps everything when its copy is not the same', () => {
    mounts(at('pg/17/main'));
    program('cp', `/bin/cp "$@"; for last; do :; done; rm "$last/base/1"`);
    try {
      const { code, out } = run(setDatabaseAside(at('pg/17/main'), 'kept'));
      assert.equal(code, 1);
      assert.match(out, /is not the same; nothing was taken away/);
      assert.equal(readFileSync(at('pg/17/main/base/1'), 'utf8'), 'rows');
    } finally {
      rmSync(join(programs, 'cp'));
    }
  });

  // Each state that a run which was cut off can leave.
  for (const [what, makeState] of [
    [
      'a tablespace had been moved and its link not yet',
      () => {
        spawnSync('mv', [at('tbs/t1'), at('tbs/t1.kept')]);
      },
    ],
    [
      'a tablespace had been moved, linked and made anew',
      () => {
        spawnSync('mv', [at('tbs/t1'), at('tbs/t1.kept')]);
        mkdirSync(at('tbs/t1'));
        rmSync(at('pg/17/main/pg_tblspc/16500'));
        symlinkSync(at('tbs/t1.kept'), at('pg/17/main/pg_tblspc/16500'));
      },
    ],
    [
      'a copy of a mount point was half made',
      () => {
        mounts(at('pg/17/main'));
        mkdirSync(at('pg/17/main.kept.part/base'), { recursive: true });
      },
    ],
    [
      'a copy was whole and half of the rest taken away',
      () => {
        mounts(at('pg/17/main'));
        run(setDatabaseAside(at('pg/17/main'), 'kept'));
        spawnSync('mv', [at('pg/17/main.kept'), at('pg/17/main.kept.copied')]);
        mkdirSync(at('pg/17/main/base'));
      },
    ],
  ] as const)
    test(`is finished by the next run when ${what}`, () => {
      makeState();
      assert.deepEqual(run(setDatabaseAside(at('pg/17/main'), 'kept')), { code: 0, out: '' });
      expectAside('kept', { emptied: false });
      assert.deepEqual(readdirSync(at('pg/17/main')), []);
    });

  test('stays in place for good where that is asked for and it is a mount point', () => {
    mounts(at('tbs/t1'));
    const { code, out } = run(setDatabaseAsideOrLeave(at('pg/17/main'), 'kept'));
    assert.equal(code, 0);
    assert.match(out, /left in place, for it is a mount point: .*tbs\/t1/);
    assert.ok(existsSync(at('pg/17/main/PG_VERSION')));
    mounts();
    run(setDatabaseAsideOrLeave(at('pg/17/main'), 'kept'));
    expectAside('kept');
  });
});

test("a DCS member's data is set aside inside its own directory, which may be a mount point", () => {
  mkdirSync(at('etcd/member/wal'), { recursive: true });
  mkdirSync(at('etcd/aside-broken-1'));
  assert.equal(run(`set -e\n${setContentsAside(at('etcd'), 'broken-$(echo 2)')}`).code, 0);
  assert.deepEqual(readdirSync(at('etcd')).sort(), ['aside-broken-1', 'aside-broken-2']);
  assert.deepEqual(readdirSync(at('etcd/aside-broken-2')), ['member']);
});

describe('WAL on its own disk', () => {
  beforeEach(() => {
    rmSync(at('pg/17/main/pg_wal'));
    mkdirSync(at('pg/17/main/pg_wal'));
    writeFileSync(at('pg/17/main/pg_wal/1'), 'wal');
    mkdirSync(at('disk2'));
  });
  test('is put there after a copy that brought it along', () => {
    assert.equal(run(placeWal(at('pg/17/main'), at('disk2'))).code, 0);
    assert.equal(readlinkSync(at('pg/17/main/pg_wal')), at('disk2'));
    assert.equal(readFileSync(at('disk2/1'), 'utf8'), 'wal');
    assert.equal(run(placeWal(at('pg/17/main'), at('disk2'))).code, 0, 'again is no harm');
  });
  test('is not mixed with what lies there', () => {
    writeFileSync(at('disk2/2'), 'of another');
    const { code, out } = run(placeWal(at('pg/17/main'), at('disk2')));
    assert.equal(code, 1);
    assert.match(out, /is not empty: it holds WAL of another database/);
    assert.equal(readFileSync(at('pg/17/main/pg_wal/1'), 'utf8'), 'wal');
  });
});

test('what a host has of a database is seen through its links', () => {
  mounts(at('tbs/t1'));
  const { places, rooms } = parseStorage(run(storageScript(at('pg/17/main'), [at('new/place'), at('wal/main')])).out);
  assert.deepEqual(
    places.map(({ kind, path, mount }) => [kind, path, mount]),
    [
      ['data', at('pg/17/main'), false],
      ['wal', at('wal/main'), false],
      ['tablespace', at('tbs/t1'), true],
    ],
  );
  assert.deepEqual(
    rooms.map(({ path, state, freeBytes }) => [path, state, freeBytes > 0]),
    [
      [at('new/place'), 'absent', true],
      [at('wal/main'), 'taken', true],
    ],
  );
});

describe('WAL of a living member that moves', () => {
  const log = () => readFileSync(join(root, 'systemctl.log'), 'utf8').trim().split('\n');
  const move = (target = at('wal/main')) =>
    run(moveWal({ pgWal: at('pg/17/main/pg_wal'), target, walDir: at('disk2'), notRunning: ':' }));
  beforeEach(() => {
    program('systemctl', `echo "$@" >> ${join(root, 'systemctl.log')}`);
    program('chown', ':');
    writeFileSync(join(root, 'systemctl.log'), '');
    mkdirSync(at('disk2'));
  });
  const expectMoved = () => {
    assert.equal(readlinkSync(at('pg/17/main/pg_wal')), at('disk2'));
    assert.deepEqual(readdirSync(at('disk2')), ['000000010000000000000001']);
    assert.deepEqual(log(), ['stop patroni.service', 'start patroni.service']);
  };
  test('is copied while it is stopped, and the old place is empty', () => {
    assert.deepEqual(move(), { code: 0, out: '' });
    expectMoved();
    assert.deepEqual(readdirSync(at('wal/main')), []);
  });
  test('out of the data directory leaves nothing there', () => {
    rmSync(at('pg/17/main/pg_wal'));
    spawnSync('mv', [at('wal/main'), at('pg/17/main/pg_wal')]);
    assert.deepEqual(move(''), { code: 0, out: '' });
    expectMoved();
    assert.ok(!existsSync(at('pg/17/main/pg_wal.moved')));
  });
  test('goes on after a run that was cut off', () => {
    rmSync(at('pg/17/main/pg_wal'));
    spawnSync('mv', [at('wal/main'), at('pg/17/main/pg_wal.moved')]);
    writeFileSync(at('disk2/.hapg-moving'), '');
    writeFileSync(at('disk2/half'), '');
    assert.deepEqual(move(''), { code: 0, out: '' });
    expectMoved();
  });
  test('does not touch a place that holds something else, and the member goes on', () => {
    writeFileSync(at('disk2/of-another'), '');
    const { code, out } = move();
    assert.equal(code, 1);
    assert.match(out, /disk2 is not empty/);
    assert.deepEqual(log(), ['start patroni.service']);
    assert.deepEqual(readdirSync(at('wal/main')), ['000000010000000000000001']);
  });
});

describe('before anything is stopped', () => {
  const cluster = labCluster();
  const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
  const data = '/var/lib/postgresql/17/pglab';
  const place = (change: Partial<Place>): Place => ({
    kind: 'data',
    path: data,
    mount: false,
    device: '1',
    usedBytes: 10e9,
    besideDevice: '2',
    besideFreeBytes: 100e9,
    ...change,
  });
  const storage = (...places: Place[]): Storage => ({
    places,
    rooms: [{ path: data, state: 'taken', device: '1', freeBytes: 20e9 }],
  });
  const reasons = (verdict: ReturnType<typeof maySetAside>) => (verdict.ok ? '' : verdict.reasons.join('; '));

  const cases: [what: string, there: Storage, reason: RegExp | ''][] = [
    ['an ordinary directory', storage(place({})), ''],
    ['a mount point with room beside it', storage(place({ mount: true })), ''],
    [
      'a mount point without',
      storage(place({ mount: true, besideFreeBytes: 1e9 })),
      /is a mount point.* 953\.7 MiB are free and 9\.5 GiB are needed/,
    ],
    [
      'two mount points that share what is free beside them',
      storage(
        place({ mount: true, besideFreeBytes: 15e9 }),
        place({ kind: 'tablespace', path: '/tbs/t1', mount: true, besideFreeBytes: 15e9 }),
      ),
      /are mount points/,
    ],
    [
      'a tablespace inside the data directory',
      storage(place({}), place({ kind: 'tablespace', path: `${data}/t1` })),
      /lies in/,
    ],
    [
      'WAL elsewhere that the inventory does not know',
      storage(place({}), place({ kind: 'wal', path: '/pgwal' })),
      /write postgres: \{wal_dir: \/pgwal\}/,
    ],
  ];
  for (const [what, there, reason] of cases)
    test(`${what} ${reason === '' ? 'can be set aside' : 'is refused'}`, () => {
      const said = reasons(maySetAside('db3', cluster, there));
      if (reason === '') assert.equal(said, '');
      else assert.match(said, reason);
    });

  test('room is counted for each file system, and what a mount point has now is away by then', () => {
    const need = { databaseBytes: 25e9, tablespaces: [], extraBytes: 0 };
    assert.match(reasons(hasRoom(host('db3'), need, storage(place({})))), /18\.6 GiB are free .* 23\.3 GiB are needed/);
    assert.equal(reasons(hasRoom(host('db3'), need, storage(place({ mount: true })))), '');
    const elsewhere = { ...need, tablespaces: [{ path: '/tbs/t1', bytes: 20e9 }] };
    const rooms = [...storage().rooms, { path: '/tbs/t1', state: 'absent' as const, device: '3', freeBytes: 1e9 }];
    assert.match(reasons(hasRoom(host('db3'), elsewhere, { places: [], rooms })), /free for \/tbs\/t1, and 18\.6 GiB/);
  });

  test('a directory that a tablespace needs must be empty', () => {
    const rooms = [{ path: '/tbs/t1', state: 'taken' as const, device: '1', freeBytes: 1e9 }];
    assert.match(reasons(placesFree(host('db3'), { places: [], rooms })), /db3: \/tbs\/t1 is not empty/);
  });
});
