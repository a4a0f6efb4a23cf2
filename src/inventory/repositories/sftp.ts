import { z } from 'zod';
import { privateKey } from '../given-secret.ts';
import { absolutePath, port } from '../values.ts';
import { type Fingerprint, parseFingerprint } from './fingerprint.ts';
import type { RepositoryKind } from './kind.ts';

const schema = z.strictObject({
  kind: z
    .literal('sftp')
    .describe(
      'A directory of an SFTP server; needs pgBackRest 2.46. Bring the private key of the login with "hapg secrets set sftp-key-HOST < FILE"',
    ),
  host: z
    .string()
    .regex(/^[A-Za-z0-9.:-]+$/, 'the name or address of the server')
    .describe('Name or address of the server'),
  port: port.default(22).describe('Port of the server'),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._@-]*$/, 'not a login name')
    .describe('Login name'),
  path: absolutePath.describe('Directory on the server, which the login may write to'),
  fingerprint: z
    .string()
    .refine(
      (text) => parseFingerprint(text) !== undefined,
      'not the fingerprint of a host key, such as SHA256:... of "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub" on the server',
    )
    .describe("Fingerprint of the server's host key, as ssh-keygen -l prints it; another server is not trusted"),
});

interface Sftp {
  path: string;
  host: string;
  port: number;
  user: string;
  fingerprint: Fingerprint;
}

const KEY = 'sftp.key';
const keyName = ({ host }: Sftp): string => `sftp-key-${host}`;

/** A directory of an SFTP server. */
export const sftp = {
  name: 'sftp',
  schema,
  settings: ({ host, port, user, path, fingerprint }) => ({
    host,
    port,
    user,
    path,
    fingerprint: parseFingerprint(fingerprint)!,
  }),
  label: ({ host, path }) => `${host}:${path}`,
  place: ({ host, user, path }) => `${path} on ${host}, as ${user}`,
  shared: ({ host, port, path }) => `${host}:${port}${path}`,
  service: ({ host: address, port }) => ({ address, port }),
  secrets: (its) => [privateKey(keyName(its))],
  files: (its, given) => [{ name: KEY, content: given(keyName(its)) }],
  options: ({ host, port, user, fingerprint }, { file, able }) => ({
    type: 'sftp',
    'sftp-host': host,
    'sftp-host-port': port,
    'sftp-host-user': user,
    'sftp-host-key-hash-type': fingerprint.hash,
    'sftp-host-fingerprint': fingerprint.hex,
    // Versions before compare a fingerprint that they are given.
    ...(able.sftpKeyCheck ? { 'sftp-host-key-check-type': 'fingerprint' } : {}),
    'sftp-private-key-file': file(KEY),
  }),
  needs: (_its, able) => (able.sftp ? undefined : 'kind: sftp needs pgBackRest 2.46'),
} satisfies RepositoryKind<'sftp', typeof schema, Sftp>;
