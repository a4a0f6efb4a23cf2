import { existsSync, readFileSync } from 'node:fs';
import type { ParsedKey } from 'ssh2';
import type { Secret } from '../secret.ts';
import { agentKeys, SomeKeys } from './agent.ts';
import type { SshTarget } from './target.ts';

/** What the operator is asked for during a login. */
export interface Credentials {
  /** Asked for when sudo wants a password. */
  becomePassword?: (() => Promise<Secret>) | undefined;
  /** Asked for when a key file is encrypted; gets the file's name. */
  passphrase?: ((file: string) => Promise<Secret>) | undefined;
  /** Asked what the OpenSSH client asks otherwise: a PIN, a one-time code. */
  answer?: ((question: string) => Promise<Secret>) | undefined;
}

/**
 * Authentication methods: public keys only, in the order of the target's key files. A key that the agent holds is
 * offered through the agent, so that no passphrase is asked for. The agent's other keys come last, so that MaxAuthTries
 * is not reached before a named key.
 */
export async function authMethods(target: SshTarget, credentials: Credentials): Promise<object[]> {
  const { user: username, agent } = target;
  const methods: object[] = [];
  const held = agent ? await agentKeys(agent) : [];
  const throughAgent = (keys: readonly ParsedKey[]) =>
    methods.push({ type: 'agent', username, agent: new SomeKeys(agent!, keys) });
  const offered = new Set<ParsedKey>();
  for (const file of target.keys) {
    const key = readFileSync(file);
    const half = publicHalf(key) ?? publicHalf(existing(`${file}.pub`));
    const same = held.find((one) => half?.equals(one.getPublicSSH()));
    if (same) {
      if (!offered.has(same)) throughAgent([same]);
      offered.add(same);
      continue;
    }
    if (isPublic(key)) continue;
    const method: Record<string, unknown> = { type: 'publickey', username, key };
    if (isEncrypted(key)) {
      if (!credentials.passphrase) continue;
      method.passphrase = (await credentials.passphrase(file)).reveal();
    }
    methods.push(method);
  }
  const others = target.onlyKeys ? [] : held.filter((one) => !offered.has(one));
  if (others.length > 0) throughAgent(others);
  if (methods.length === 0)
    throw new Error('no private key was found and no agent is running. Name a key with ssh.key or --private-key');
  return methods;
}

const existing = (file: string): Buffer => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0));

/** A line of a public key file: type, key in base64, comment. */
const PUBLIC = /^[a-z0-9@.-]+ ([A-Za-z0-9+/]+=*)(?:\s|$)/;

/** Whether a key file holds a public key. */
export const isPublic = (key: Buffer): boolean => PUBLIC.test(key.toString('latin1'));

const OPENSSH = 'openssh-key-v1\0';

/** Returns OpenSSH's own format without its armour; undefined for another format. */
function opensshBody(key: Buffer): Buffer | undefined {
  const text = key.toString('latin1');
  if (!text.includes('OPENSSH PRIVATE KEY')) return undefined;
  const body = Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
  return body.subarray(0, OPENSSH.length).toString('latin1') === OPENSSH ? body : undefined;
}

/** Returns the texts that OpenSSH's own format has in the clear: cipher, key derivation, its options, public key. */
function clearTexts(body: Buffer): Buffer[] {
  const texts: Buffer[] = [];
  for (let at = OPENSSH.length; texts.length < 4 && at + 4 <= body.length; ) {
    // The number of keys stands before the public key; it is always one.
    if (texts.length === 3) at += 4;
    if (at + 4 > body.length) break;
    const length = body.readUInt32BE(at);
    texts.push(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}

/** Returns the public half of a key file (RFC 4253, 6.6); undefined where it does not show without the passphrase. */
export function publicHalf(key: Buffer): Buffer | undefined {
  const [, line] = PUBLIC.exec(key.toString('latin1')) ?? [];
  if (line) return Buffer.from(line, 'base64');
  const body = opensshBody(key);
  return body && clearTexts(body)[3];
}

/**
 * Whether a key file is encrypted. OpenSSH's own format names its cipher in the clear ("none" when not encrypted); PEM
 * says ENCRYPTED.
 */
export function isEncrypted(key: Buffer): boolean {
  const body = opensshBody(key);
  if (!body) return key.toString('latin1').includes('ENCRYPTED');
  return clearTexts(body)[0]?.toString() !== 'none';
}
