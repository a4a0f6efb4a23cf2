import { createPrivateKey } from 'node:crypto';
import { Secret } from '../secret.ts';

/** A secret that the operator brings, because somebody else made it. */
export interface GivenSecret {
  name: string;
  /** Whether it has several lines, so that it comes from a file and not from a prompt. */
  ofFile: boolean;
  /** Returns why it is rejected; undefined when it is accepted. */
  weakness(secret: Secret): string | undefined;
  /** Returns an accepted secret as it is stored. */
  stored(secret: Secret): Secret;
}

/** The least length of a secret: a shorter one can be guessed, and cannot be redacted without other words (characters). */
const SHORTEST = 8;

/** Returns why a secret of one line is rejected; undefined when it is accepted. */
export function weakness(secret: Secret): string | undefined {
  const value = secret.reveal();
  if (/[\p{Cc}\u2028\u2029]/u.test(value)) return 'it is not one line without control characters';
  if (value !== value.trim()) return 'it begins or ends with a space, which configuration files do not keep';
  // Counts code points, as an operator does.
  if ([...value].length < SHORTEST) return `it has fewer than ${SHORTEST} characters`;
  return undefined;
}

/** A secret of one line, such as a password. */
export const line = (name: string): GivenSecret => ({ name, ofFile: false, weakness, stored: (secret) => secret });

/**
 * A user's password. Clients prepare other characters (RFC 4013), and hapg sends what they make of the password.
 */
export const userPassword = (name: string): GivenSecret => ({
  ...line(name),
  weakness: (secret) =>
    weakness(secret) ?? (/[^ -~]/.test(secret.reveal()) ? 'a password of a user has only ASCII characters' : undefined),
});

/** A key of one line in base64. */
export const base64Key = (name: string): GivenSecret => ({
  ...line(name),
  weakness: (secret) =>
    weakness(secret) ??
    (/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(secret.reveal())
      ? undefined
      : 'it is no base64, as the key of an account is; a shared access signature goes with key_type: sas'),
});

/** What pgBackRest reads of a service account's key. */
const ACCOUNT_FIELDS = ['client_email', 'private_key', 'token_uri'];

/** Reads the JSON of a service account; undefined where it is none. */
function accountOf(secret: Secret): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(secret.reveal());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The key file of a Google service account (JSON). */
export const serviceAccount = (name: string): GivenSecret => ({
  name,
  ofFile: true,
  weakness(secret) {
    const account = accountOf(secret);
    if (!account) return 'it is not the JSON file of the key of a service account';
    const missing = ACCOUNT_FIELDS.filter((field) => typeof account[field] !== 'string');
    return missing.length > 0 ? `the JSON has no ${missing.join(', ')}: it is no key of a service account` : undefined;
  },
  stored: (secret) => new Secret(`${JSON.stringify(accountOf(secret), null, 2)}\n`),
});

/** Returns why a text is no private key that a program can use alone; undefined when it is one. */
function keyMistake(text: string): string | undefined {
  const [, form = '', body = ''] =
    /^-----BEGIN ([A-Z0-9 ]*)PRIVATE[ ]KEY-----\n([\s\S]+)\n-----END \1PRIVATE[ ]KEY-----$/.exec(text) ?? [];
  if (!body) return /^(ssh|ecdsa)-\S+ |PUBLIC KEY/.test(text) ? 'it is a public key; bring the private one' : NO_KEY;
  const locked = 'it has a passphrase, which no host could be asked for';
  if (form === 'OPENSSH ') {
    // PROTOCOL.key of OpenSSH: a magic word, then the name of the cipher with its length.
    const magic = 'openssh-key-v1\0';
    const bytes = Buffer.from(body, 'base64');
    if (bytes.subarray(0, magic.length).toString('latin1') !== magic) return NO_KEY;
    const length = bytes.length > magic.length + 4 ? bytes.readUInt32BE(magic.length) : 0;
    return bytes.subarray(magic.length + 4, magic.length + 4 + length).toString('latin1') === 'none'
      ? undefined
      : locked;
  }
  if (form === 'ENCRYPTED ' || body.includes('ENCRYPTED')) return locked;
  try {
    createPrivateKey(text);
    return undefined;
  } catch {
    return NO_KEY;
  }
}
const NO_KEY = 'it is no private SSH key';
const keyText = (secret: Secret): string => secret.reveal().replaceAll('\r\n', '\n').trim();

/** A private SSH key without a passphrase. */
export const privateKey = (name: string): GivenSecret => ({
  name,
  ofFile: true,
  weakness: (secret) => keyMistake(keyText(secret)),
  stored: (secret) => new Secret(`${keyText(secret)}\n`),
});
