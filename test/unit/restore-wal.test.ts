import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { restoreWal } from '../../roles/patroni/restore-wal.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { programs, sh } from './sh.ts';

/** A port on which somebody listens, and one on which nobody does. */
let open = 0;
let shut = 0;
const listening = createServer();
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
  const { code, out } = sh(`set -- 00000002.history pg_wal/RECOVERYHISTORY\n${restoreWal(cluster)}`, { path });
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
