import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import ssh2 from 'ssh2';
import { HOST_KEY_TYPES, KnownHosts, keyType } from '../../src/transport/known-hosts.ts';
import { scanHostKeys } from '../../src/transport/scan.ts';
import { sshTarget } from '../support/ssh-target.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-host-keys-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A private key in PEM form, which every version of ssh2 reads. */
function privateKey(type: string, bits: string): Buffer {
  const file = join(mkdtempSync(join(root, 'key-')), 'key');
  execFileSync('ssh-keygen', ['-q', '-t', type, ...(bits ? ['-b', bits] : []), '-N', '', '-f', file]);
  return readFileSync(file);
}

/** A server with these host keys, on a free port of loopback. */
async function serving<T>(keys: Buffer[], work: (port: number) => Promise<T>): Promise<T> {
  const server = new ssh2.Server({ hostKeys: keys }, (client) => client.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

const TYPES: [type: string, bits: string, name: string][] = [
  ['ed25519', '', 'ssh-ed25519'],
  ['ecdsa', '256', 'ecdsa-sha2-nistp256'],
  ['ecdsa', '384', 'ecdsa-sha2-nistp384'],
  ['ecdsa', '521', 'ecdsa-sha2-nistp521'],
  ['rsa', '2048', 'ssh-rsa'],
];
for (const [type, bits, name] of TYPES)
  test(`the key of a host that has only ${name} is found`, async () => {
    const found = await serving([privateKey(type, bits)], (port) =>
      scanHostKeys(sshTarget({ host: '127.0.0.1', port })),
    );
    assert.deepEqual(found.map(keyType), [name]);
  });

test('a host with no key that hapg can verify is told of, with the cure', async () => {
  // A server that takes RSA keys for SHA-1 signatures only.
  const key = privateKey('rsa', '2048');
  const server = new ssh2.Server({ hostKeys: [key], algorithms: { serverHostKey: ['ssh-rsa'] } }, (client) =>
    client.on('error', () => undefined),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await assert.rejects(
      scanHostKeys(sshTarget({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })),
      /shows no host key of a kind that hapg can verify.*ssh-keygen -A/,
    );
  } finally {
    server.close();
  }
});

test('a server that shows no key is told of, and is not one without keys', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await assert.rejects(
      scanHostKeys(sshTarget({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })),
      /ended the connection|lost before handshake|ECONNRESET/,
    );
  } finally {
    server.close();
  }
});

test('a host is asked for the types that are known of it, and for none that nobody here can verify', () => {
  const line = (type: string) => `db1 ${type} AAAA\n`;
  const known = KnownHosts.parse(
    ['ssh-ed25519', 'ecdsa-sha2-nistp521', 'ssh-rsa', 'sk-ssh-ed25519@openssh.com', 'ssh-dss', 'ssh-ed448']
      .map(line)
      .join(''),
  );
  assert.deepEqual(known.types('db1', 22), ['ssh-ed25519', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256']);
  assert.deepEqual(KnownHosts.parse(line('sk-ssh-ed25519@openssh.com')).types('db1', 22), []);
});

test('every type that is scanned for is one that ssh2 takes', () => {
  for (const type of HOST_KEY_TYPES) {
    const client = new ssh2.Client();
    client.on('error', () => undefined);
    assert.doesNotThrow(() =>
      client.connect({ host: '127.0.0.1', port: 1, username: 'x', algorithms: { serverHostKey: [type] as never } }),
    );
    client.destroy();
  }
});
