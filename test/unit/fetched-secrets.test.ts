import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Refused } from '../../src/errors.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { SecretStore } from '../../src/secrets/store.ts';

const home = mkdtempSync(join(tmpdir(), 'hapg-fetch-'));
after(() => rmSync(home, { recursive: true, force: true }));

/** The store of a cluster with a bucket, whose keys this program prints. */
async function storeWith(program: string): Promise<SecretStore> {
  writeFileSync(join(home, 'fetch'), `#!/bin/sh\necho "$HAPG_SECRET" >> ${home}/asked\n${program}\n`, { mode: 0o755 });
  writeFileSync(join(home, 'asked'), '');
  const text = `cluster: shop
secrets: {command: ./fetch}
pgbackrest: {repositories: [{kind: s3, bucket: backups, endpoint: s3.example.com}]}
hosts:
  db1: {address: 10.0.0.1, roles: [etcd, patroni]}
`;
  return SecretStore.create(parseInventory(text, join(home, 'cluster.yaml')).cluster);
}
const asked = (): string[] => readFileSync(join(home, 'asked'), 'utf8').split('\n').filter(Boolean);

describe("secrets of the inventory's command", () => {
  test('are fetched once a run, by name, and are never shown', async () => {
    const store = await storeWith('echo "value-of-$HAPG_SECRET"');
    await store.complete();
    await store.complete();
    assert.deepEqual(asked(), ['s3-key-backups', 's3-secret-backups']);
    assert.equal(store.externalSecret('s3-key-backups').reveal(), 'value-of-s3-key-backups');
    assert.ok(store.all().some((one) => one.reveal() === 'value-of-s3-secret-backups'));
  });

  test('are known to the same store through another model of the cluster', async () => {
    const store = await storeWith('echo "value-of-$HAPG_SECRET"');
    await store.complete();
    const other = store.through(
      parseInventory(
        'cluster: shop\nhosts: {db1: {address: 10.0.0.1, roles: [etcd, patroni]}}\n',
        join(home, 'cluster.yaml'),
      ).cluster,
    );
    assert.equal(other.externalSecret('s3-key-backups').reveal(), 'value-of-s3-key-backups');
  });

  for (const [what, program, why] of [
    [
      'fails',
      'echo public-part; echo "no such path in the vault" >&2; exit 2',
      /ended with 2: no such path in the vault$/,
    ],
    ['prints nothing', ':', /it printed nothing$/],
    ['prints too little', 'echo abc', /fewer than 8 characters$/],
    ['prints several lines', 'printf "one-line-here\\nanother-line"', /not one line/],
  ] as const)
    test(`are refused by name where it ${what}, without what it printed`, async () => {
      await assert.rejects((await storeWith(program)).complete(), (cause) => {
        assert.ok(cause instanceof Refused);
        assert.match(cause.message, /^secrets\.command \(.*fetch\) for s3-key-backups: /);
        assert.match(cause.message, why);
        assert.doesNotMatch(cause.message, /public-part|one-line-here|abc/);
        return true;
      });
    });
});
