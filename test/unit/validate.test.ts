import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ownController } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';

ownController();

/** A cluster without a warning, with these lines beside it. */
const inventory = (...lines: string[]): string =>
  `cluster: shop
${lines.join('\n')}
hosts:
  db1: {address: 10.0.0.1, roles: [etcd, patroni]}
  db2: {address: 10.0.0.2, roles: [etcd, patroni]}
  db3: {address: 10.0.0.3, roles: [etcd, patroni]}
  store: {address: 10.0.0.4, roles: [pgbackrest]}
`;

/** What validate says of an inventory. */
async function validated(text: string, ...options: string[]) {
  writeFileSync('shop.yaml', text);
  return inProcess(['validate', '-i', 'shop.yaml', ...options]);
}
/** The first line of each warning. */
const warnings = (err: string): string[] => err.split('\n').filter((line) => line.includes(': warning: '));

describe('validate', () => {
  test('warns of clients that nobody has written, at no place, and not of an empty list that somebody has', async () => {
    const { code, err } = await validated(inventory());
    assert.equal(code, 0);
    assert.deepEqual(warnings(err).length, 1, err);
    assert.match(
      err,
      /^shop\.yaml: warning: there is no key clients: .* Write clients: \[NETWORK\], or clients: \[\]/m,
    );
    assert.deepEqual(warnings((await validated(inventory('clients: []'))).err), []);
  });

  test('warns of an extension that comes with nothing, at its place', async () => {
    const database = (extension: string) =>
      inventory('clients: []', `postgres: {databases: [{name: app, extensions: [${extension}]}]}`);
    const { err } = await validated(database('nosuchext'));
    assert.match(
      err,
      /^shop\.yaml:3:\d+: warning: hapg knows no package of the extension nosuchext, .*packages: \[NAME\]/m,
    );
    for (const known of ['pg_trgm', 'uuid-ossp', 'vector', 'pg_cron'])
      assert.deepEqual(warnings((await validated(database(known))).err), [], known);
    const named =
      'postgres: {extensions: [{name: nosuchext, packages: [x]}], databases: [{name: app, extensions: [nosuchext]}]}';
    assert.deepEqual(warnings((await validated(inventory('clients: []', named))).err), []);
  });

  test('counts one warning as one, and with --strict accepts none', async () => {
    const { code, out } = await validated(inventory());
    assert.equal(code, 0);
    assert.match(out, /cluster shop, 4 hosts, 1 warning$/m);
    const strict = await validated(inventory(), '--strict');
    assert.equal(strict.code, 5);
    assert.match(strict.err, /^1 warning, and --strict accepts none$/m);
    assert.equal((await validated(inventory('clients: []'), '--strict')).code, 0);
  });
});
