import { readFileSync } from 'node:fs';
import type { Secret } from '../secret.ts';
import type { SshTarget } from './target.ts';

/** What the operator is asked for during a login. */
export interface Credentials {
  /** Asked for when sudo wants a password. */
  becomePassword?: (() => Promise<Secret>) | undefined;
  /** Asked for when a key file is encrypted; gets the file's name. */
  passphrase?: ((file: string) => Promise<Secret>) | undefined;
}

/**
 * Authentication methods: public keys only, files before the agent, so that a key named in the inventory comes before
 * MaxAuthTries is reached.
 */
export async function authMethods(target: SshTarget, credentials: Credentials): Promise<object[]> {
  const methods: object[] = [];
  for (const file of target.keys) {
    const key = readFileSync(file);
    const method: Record<string, unknown> = { type: 'publickey', username: target.user, key };
    if (isEncrypted(key)) {
      if (!credentials.passphrase) continue;
      method.passphrase = (await credentials.passphrase(file)).reveal();
    }
    methods.push(method);
  }
  if (target.agent) methods.push({ type: 'agent', username: target.user, agent: target.agent });
  if (methods.length === 0)
    throw new Error('no private key was found and no agent is running. Name a key with ssh.key or --private-key');
  return methods;
}

/**
 * Whether a key file is encrypted. OpenSSH's own format names its cipher in the clear ("none" when not encrypted); PEM
 * says ENCRYPTED.
 */
export function isEncrypted(key: Buffer): boolean {
  const text = key.toString('latin1');
  if (!text.includes('OPENSSH PRIVATE KEY')) return text.includes('ENCRYPTED');
  const body = Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
  const start = 'openssh-key-v1\0'.length;
  return body.subarray(start + 4, start + 4 + body.readUInt32BE(start)).toString() !== 'none';
}
