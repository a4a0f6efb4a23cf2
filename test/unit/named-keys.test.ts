import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ownController } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';

ownController();
const generate = (file: string, passphrase = '') =>
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-a', '1', '-N', passphrase, '-f', file]);
generate('good');
generate('locked', 'long passphrase');
generate('closed');
chmodSync('closed', 0);
mkdirSync('directory');

/** An inventory with a key for all hosts, and one of db2; nobody listens at its hosts. */
function written(key: string, own?: string): void {
  const ssh = `host: 127.0.0.1, port: 2${own === undefined ? '' : `, key: ${own}`}`;
  writeFileSync(
    'keys.yaml',
    `cluster: shop
clients: []
ssh:
  key: ${key}
hosts:
  db1: {address: 10.0.0.1, ssh: {host: 127.0.0.1, port: 1}, roles: [etcd, patroni]}
  db2: {address: 10.0.0.2, ssh: {${ssh}}, roles: [etcd, patroni]}
  db3: {address: 10.0.0.3, ssh: {host: 127.0.0.1, port: 3}, roles: [etcd, patroni]}
  store: {address: 10.0.0.4, ssh: {host: 127.0.0.1, port: 4}, roles: [pgbackrest]}
`,
  );
}

/** Keys that cannot be offered, and what is said of each. */
const TROUBLES: [key: string, says: string][] = [
  ['./nokey', 'the private key ./nokey: there is no such file'],
  ['directory', 'the private key directory: it is a directory (EISDIR)'],
  [
    'good.pub',
    'the private key good.pub: it is a public key, and no agent holds its private half; name the private key',
  ],
  // The super user may read everything.
  ...(process.getuid?.() === 0
    ? []
    : [['closed', 'the private key closed: permission denied (EACCES)'] as [string, string]]),
];

describe('the key that an inventory names', () => {
  for (const [key, says] of TROUBLES)
    test(`is refused before the first connection, at its place: ${key}`, async () => {
      written(key);
      for (const command of ['status', 'ping', 'doctor', 'plan']) {
        const { code, err } = await inProcess([command, '-i', 'keys.yaml']);
        assert.equal(code, 5, `${command}: ${err}`);
        assert.equal(
          err
            .split('\n')
            .filter((line) => line.includes('the private key'))
            .join('\n'),
          `keys.yaml:4:8: error: ${says}`,
          command,
        );
      }
    });

  test('is judged for each host that has its own', async () => {
    written('good', './nokey');
    const column = '  db2: {address: 10.0.0.2, ssh: {host: 127.0.0.1, port: 2, key: '.length + 1;
    const { code, err } = await inProcess(['ping', '-i', 'keys.yaml']);
    assert.equal(code, 5);
    assert.match(
      err,
      new RegExp(`^keys\\.yaml:7:${column}: error: the private key \\./nokey: there is no such file$`, 'm'),
    );
    assert.equal((await inProcess(['ssh', '-i', 'keys.yaml', 'db2'])).code, 5);
  });

  test('counts not where the command line names another one, which is judged instead', async () => {
    written('./nokey', './nokey');
    assert.equal((await inProcess(['ping', '-i', 'keys.yaml', '--private-key', 'good'])).code, 4);
    const { code, err } = await inProcess(['ping', '-i', 'keys.yaml', '--private-key', 'directory']);
    assert.equal(code, 5);
    assert.match(err, /^--private-key directory: it is a directory \(EISDIR\)$/m);
  });

  test('may have a passphrase', async () => {
    written('locked');
    const { code, err } = await inProcess(['ping', '-i', 'keys.yaml']);
    assert.equal(code, 4, err);
    assert.doesNotMatch(err, /the private key/);
  });

  test('may be on another machine for a check of the inventory, which warns of what is right nowhere', async () => {
    written('./nokey');
    assert.equal((await inProcess(['validate', '--strict', '-i', 'keys.yaml'])).code, 0);
    written('directory');
    const { code, err } = await inProcess(['validate', '-i', 'keys.yaml']);
    assert.equal(code, 0);
    assert.match(err, /^keys\.yaml:4:8: warning: the private key directory: it is a directory/m);
    assert.equal((await inProcess(['validate', '--strict', '-i', 'keys.yaml'])).code, 5);
  });
});
