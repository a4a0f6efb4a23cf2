import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { restoreWal } from '../../roles/patroni/restore-wal.ts';
import { parseInventory } from '../../src/inventory/load.ts';
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

/** What PostgreSQL would be told of a file, and what pgBackRest was asked; `finds` are the repositories that have it. */
function fetched(inventory: string, finds: readonly string[] = []) {
  const { cluster } = parseInventory(`cluster: shop\n${inventory}`, 'shop.yaml');
  const path = programs({
    pgbackrest: `echo "$*"; case "$*" in ${[...finds.map((one) => `*--repo=${one}*) exit 0 ;;`), '*--repo=*) exit 1 ;;'].join(' ')} esac`,
  });
  const script = restoreWal(cluster).replaceAll(SOCKET_DIR, home);
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
