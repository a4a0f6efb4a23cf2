import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { UsageError } from '../../../src/errors.ts';
import { clientConfig } from '../../../src/transport/client-config.ts';
import { takesOpenssh } from '../../../src/transport/ssh.ts';
import { resolveTarget, type SshTarget } from '../../../src/transport/target.ts';
import { labCluster } from '../model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-beyond-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** Makes a key, with a certificate where it is certified. */
function key(name: string, { certified = false, text }: { certified?: boolean; text?: string } = {}): string {
  const file = join(root, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  if (certified) execFileSync('ssh-keygen', ['-q', '-s', file, '-I', name, '-n', 'root', `${file}.pub`]);
  if (text !== undefined) writeFileSync(`${file}.pub`, `${text} AAAA test\n`);
  return file;
}
const plain = key('plain');
const certified = key('certified', { certified: true });
const hardware = key('hardware', { text: 'sk-ssh-ed25519@openssh.com' });

/** The way to db1 with this configuration of the client and these known hosts. */
async function way(
  config: string,
  { known = '', ssh = {} }: { known?: string; ssh?: object } = {},
): Promise<SshTarget> {
  const file = join(root, 'config');
  writeFileSync(file, config);
  const cluster = { ...labCluster(), stateDir: mkdtempSync(join(root, 'state-')) };
  writeFileSync(join(cluster.stateDir, 'known_hosts'), known);
  return resolveTarget(cluster, { ...cluster.hosts[0]!, address: 'db1', ssh }, {}, clientConfig({ file }));
}

/** A key that no server has, so that no other file of this machine knows it. */
const AUTHORITY = `@cert-authority db1 ${readFileSync(`${plain}.pub`, 'utf8')}`;

const CASES: [what: string, config: string, reason: RegExp, more?: { known?: string; ssh?: object }][] = [
  ['a certificate beside the key', `IdentityFile ${certified}\n`, /the certificate .*certified-cert\.pub/],
  [
    'a certificate that the configuration names',
    `IdentityFile ${plain}\nCertificateFile ${certified}-cert.pub\n`,
    /the certificate .*certified-cert\.pub/,
  ],
  ['a key in hardware', `IdentityFile ${hardware}\n`, /the security key .*hardware/],
  ['keys on a token', 'PKCS11Provider /usr/lib/token.so\n', /pkcs11provider \/usr\/lib\/token\.so/],
  ['host keys by a command', 'KnownHostsCommand /usr/bin/keys %H\n', /knownhostscommand \/usr\/bin\/keys/],
  ['host keys by DNS', 'VerifyHostKeyDNS yes\n', /verifyhostkeydns (?:yes|true)/],
  [
    'an authority of host keys',
    `IdentityFile ${plain}\n`,
    /the certificate authority of .*known_hosts:1/,
    { known: AUTHORITY },
  ],
  [
    'a host key of a type that ssh2 does not know',
    `IdentityFile ${plain}\n`,
    /the sk-ssh-ed25519@openssh\.com host key of .*known_hosts:1/,
    { known: 'db1 sk-ssh-ed25519@openssh.com AAAA\n' },
  ],
  [
    'a jump host with a certificate',
    `Host gate\n  IdentityFile ${certified}\nHost db1\n  ProxyJump gate\n  IdentityFile ${plain}\n`,
    /gate: node-ssh cannot use the certificate/,
  ],
];

describe('what only the OpenSSH client can do', () => {
  for (const [what, config, reason, more] of CASES)
    test(`${what}: it makes the connection, unless the inventory says node-ssh, which is refused with the reason`, async () => {
      assert.equal(takesOpenssh(await way(config, more)), true);
      const refused = await way(config, { ...more, ssh: { ...more?.ssh, transport: 'node-ssh' } });
      assert.throws(
        () => takesOpenssh(refused),
        (cause) => cause instanceof UsageError && reason.test(cause.message) && /set it to openssh/.test(cause.message),
      );
    });

  test('with an ordinary key and a host key beside the authority nothing needs it', async () => {
    const known = `${AUTHORITY}db1 ${readFileSync(`${plain}.pub`, 'utf8')}`;
    assert.equal(takesOpenssh(await way(`IdentityFile ${plain}\n`, { known })), false);
    assert.equal(takesOpenssh(await way(`IdentityFile ${plain}\n`, { ssh: { transport: 'openssh' } })), true);
  });
});
