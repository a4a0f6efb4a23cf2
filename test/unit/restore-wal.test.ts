import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { restoreWal } from '../../roles/patroni/restore-wal.ts';
import { ARCHIVE_LISTENS_S } from '../../src/bounds/postgres.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { SOCKET_DIR } from '../../src/programs/postgres.ts';
import { programs, sh } from './sh.ts';

/** A port on which somebody listens, and one on which nobody does. */
let open = 0;
let shut = 0;
const listening = createServer();
const home = mkdtempSync(join(tmpdir(), 'hapg-restore-wal-'));
after(() => rmSync(home, { recursive: true, force: true }));
beforeEach(() => {
  for (const name of readdirSync(home)) rmSync(join(home, name));
});
before(async () => {
  const gone = createServer();
  for (const server of [listening, gone]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  [open, shut] = [listening, gone].map((server) => (server.address() as AddressInfo).port) as [number, number];
  await new Promise((done) => gone.close(done));
});
after(() => listening.close());

/** The program as a member has it, but for the time in which somebody must listen: this machine may be slow. */
const programOf = (cluster: Cluster): string =>
  restoreWal(cluster).replaceAll(SOCKET_DIR, home).replace(`timeout ${ARCHIVE_LISTENS_S} `, 'timeout 60 ');

/** What PostgreSQL would be told of a file, and what pgBackRest was asked; `finds` are the repositories that have it. */
function fetched(inventory: string, finds: readonly string[] = []) {
  const { cluster } = parseInventory(`cluster: shop\n${inventory}`, 'shop.yaml');
  const path = programs({
    pgbackrest: `echo "$*"; case "$*" in ${[...finds.map((one) => `*--repo=${one}*) exit 0 ;;`), '*--repo=*) exit 1 ;;'].join(' ')} esac`,
  });
  const script = programOf(cluster);
  const { code, out } = sh(`set -- 00000002.history pg_wal/RECOVERYHISTORY\n${script}`, { path });
  return { code, asked: out.split('\n').filter(Boolean) };
}
const WITH_HOST = (port: number) => `pgbackrest: {port: ${port}}
hosts:
  db1: {address: 127.0.0.2, roles: [etcd, patroni]}
  store: {address: 127.0.0.1, roles: [pgbackrest]}
`;
const DIRECT = (...repositories: string[]) => `pgbackrest: {repositories: [${repositories.join(', ')}]}
hosts:
  db1: {address: 127.0.0.2, roles: [etcd, patroni]}
`;
const bucket = (port: number) => `{kind: s3, bucket: backups, endpoint: 127.0.0.1, port: ${port}}`;
const MOUNT = '{kind: directory, path: /mnt/backups}';
const WHOLE = '--stanza=shop archive-get 00000002.history pg_wal/RECOVERYHISTORY';

describe('WAL from the archive', () => {
  test('is fetched by pgBackRest from a backup host that listens', () => {
    assert.deepEqual(fetched(WITH_HOST(open)), { code: 0, asked: [WHOLE] });
  });

  test('is missing at once where the backup host does not listen, so that a promotion goes on', () => {
    assert.deepEqual(fetched(WITH_HOST(shut)), { code: 1, asked: [] });
  });

  test('is not asked for again for a while, because each question costs the writers a second', async () => {
    const gone = createServer();
    await new Promise<void>((done) => gone.listen(shut, '127.0.0.1', done));
    assert.equal(fetched(WITH_HOST(shut)).code, 0, 'it listens');
    await new Promise((done) => gone.close(done));
    assert.equal(fetched(WITH_HOST(shut)).code, 1);
    await new Promise<void>((done) => gone.listen(shut, '127.0.0.1', done));
    assert.deepEqual(fetched(WITH_HOST(shut)), { code: 1, asked: [] }, 'a moment later');
    const [stamp] = readdirSync(home);
    writeFileSync(join(home, stamp!), String(Math.floor(Date.now() / 1000) - 60));
    assert.equal(fetched(WITH_HOST(shut)).code, 0, 'a while later');
    await new Promise((done) => gone.close(done));
  });

  test('is fetched from all repositories that members reach themselves', () => {
    assert.deepEqual(fetched(DIRECT(bucket(open), MOUNT)), { code: 0, asked: [WHOLE] });
  });

  test('is looked for in the repositories that listen, where another one does not', () => {
    const asked = (repo: number) => `--stanza=shop --repo=${repo} archive-get 00000002.history pg_wal/RECOVERYHISTORY`;
    assert.deepEqual(fetched(DIRECT(bucket(shut), MOUNT, bucket(open)), ['3']), {
      code: 0,
      asked: [asked(2), asked(3)],
    });
    assert.deepEqual(fetched(DIRECT(bucket(shut), MOUNT)), { code: 1, asked: [asked(2)] });
    assert.deepEqual(fetched(DIRECT(bucket(shut))), { code: 1, asked: [] });
  });
});

/** A small segment of WAL (bytes), all of one letter. */
const SEGMENT = 1024 * 1024;
const MIB = 1024 * 1024;
const whole = (letter: string) => Buffer.alloc(SEGMENT, letter);
/** The same up to a place, and nothing behind it. */
const upTo = (place: number, letter: string) =>
  Buffer.concat([Buffer.alloc(place, letter), Buffer.alloc(SEGMENT - place)]);

interface Recovery {
  /** The file of WAL that PostgreSQL asks for. */
  file: string;
  /** What the archive has of it. */
  archived?: Buffer;
  /** What the member has of it. */
  own?: Buffer;
  /** Files of history in pg_wal. */
  histories?: Record<string, string>;
  /** The timeline and the location that the data has reached. */
  reached?: [number, string];
  target?: string;
}

/** What a recovery gets for a file of WAL. */
function recovers({
  file,
  archived,
  own,
  histories = {},
  reached = [8, '0/B000000'],
  target = 'RECOVERYXLOG',
}: Recovery) {
  const { cluster } = parseInventory(`cluster: shop\n${WITH_HOST(open)}`, 'shop.yaml');
  const data = mkdtempSync(join(tmpdir(), 'hapg-recovery-'));
  try {
    mkdirSync(join(data, 'pg_wal'));
    for (const [name, text] of Object.entries(histories)) writeFileSync(join(data, 'pg_wal', `${name}.history`), text);
    if (own) writeFileSync(join(data, 'pg_wal', file), own);
    if (archived) writeFileSync(join(data, 'archive'), archived);
    const path = programs({
      pgbackrest: `[ -f archive ] || exit 1; for target in "$@"; do :; done; cat archive > "$target"`,
      pg_controldata: `echo "Latest checkpoint location:           0/A009A98
Latest checkpoint's TimeLineID:       8
Minimum recovery ending location:     ${reached[1]}
Min recovery ending loc's timeline:   ${reached[0]}"`,
    });
    const script = programOf(cluster).replaceAll(cluster.binDir, path);
    const { code, out } = sh(`cd ${data} && set -- ${file} pg_wal/${target}\n${script}`, { path });
    const got = join(data, 'pg_wal', target);
    return { code, out, wal: existsSync(got) ? readFileSync(got) : undefined };
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}
/** Timeline 10 forked off from 9 at 0/C000208, in the middle of a file. */
const FORK = { '0000000A': '8\t0/C0000A0\tno recovery target specified\n9\t0/C000208\tno recovery target specified\n' };
const AT_THE_FORK = '0000000900000000000000C0';
const given = (wal: Buffer | undefined) => ({ code: wal ? 0 : 1, out: '', wal });

describe('WAL of a timeline that another one has left', () => {
  test('is recovered up to the fork, whatever its leader has archived behind it', () => {
    const got = recovers({ file: AT_THE_FORK, archived: whole('x'), histories: FORK });
    assert.deepEqual(got, given(upTo(0x208, 'x')));
  });

  test('is recovered up to the fork where only the member itself has it', () => {
    const got = recovers({ file: AT_THE_FORK, own: whole('o'), histories: FORK });
    assert.deepEqual(got, given(upTo(0x208, 'o')));
  });

  test('is missing behind the fork', () => {
    const file = '0000000900000000000000C1';
    assert.deepEqual(recovers({ file, archived: whole('x'), own: whole('o'), histories: FORK }), given(undefined));
  });

  test('is whole before the fork, without a fork, and on the new timeline', () => {
    const archived = whole('x');
    for (const one of [
      { file: '0000000900000000000000BF', histories: FORK },
      { file: AT_THE_FORK },
      { file: AT_THE_FORK, histories: { '00000009': '8\t0/C0000A0\tno recovery target specified\n' } },
      { file: '0000000A00000000000000C0', histories: FORK },
    ])
      assert.deepEqual(recovers({ ...one, archived }), given(archived), one.file);
    assert.deepEqual(recovers({ file: '0000000900000000000000BF', own: archived, histories: FORK }), given(undefined));
  });

  test('ends where the newest timeline left it, when several did', () => {
    const histories = { ...FORK, '0000000B': '# restored\n\n9\t0/C000100\tbefore 2026-11-30 12:00:00+00\n' };
    assert.deepEqual(recovers({ file: AT_THE_FORK, archived: whole('x'), histories }), given(upTo(0x100, 'x')));
  });

  test('is whole for pg_rewind, and for data that is itself behind the fork', () => {
    const archived = whole('x');
    const asked = { file: AT_THE_FORK, archived, histories: FORK };
    assert.deepEqual(recovers({ ...asked, target: AT_THE_FORK }), given(archived));
    assert.deepEqual(recovers({ ...asked, reached: [9, '0/C000300'] }), given(archived));
    assert.deepEqual(recovers({ ...asked, reached: [9, '0/C000208'] }), given(upTo(0x208, 'x')));
  });

  test('is cut at the right place beyond the first 4 GiB', () => {
    const histories = { '0000000A': `9\t2A/FFF80000\tno recovery target specified\n` };
    const got = recovers({ file: '000000090000002A00000FFF', archived: whole('x'), histories });
    assert.deepEqual(got, given(upTo(MIB / 2, 'x')));
  });
});

describe('a restore', () => {
  /** What PostgreSQL is told in a directory with this file, where pgBackRest ends with this status. */
  const told = (signal: string, port: number, status: number) => {
    const { cluster } = parseInventory(`cluster: shop\n${WITH_HOST(port)}`, 'shop.yaml');
    const data = mkdtempSync(join(tmpdir(), 'hapg-restore-'));
    try {
      writeFileSync(join(data, signal), '');
      const path = programs({ pgbackrest: `exit ${status}` });
      return sh(`cd ${data} && set -- 00000002.history pg_wal/RECOVERYHISTORY\n${programOf(cluster)}`, { path }).code;
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  };

  test('waits for an archive that does not listen, while a member goes on without it', () => {
    assert.equal(told('recovery.signal', shut, 0), 0);
    assert.equal(told('standby.signal', shut, 0), 1);
  });

  test('ends where the archive ends, and not with an error of it', () => {
    assert.equal(told('recovery.signal', open, 1), 1);
    assert.equal(told('recovery.signal', open, 103), 255);
    assert.equal(told('standby.signal', open, 103), 103);
  });
});
