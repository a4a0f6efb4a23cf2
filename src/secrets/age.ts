import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Decrypter } from 'age-encryption';
import { Refused } from '../errors.ts';
import { home } from '../whoami.ts';

/** The first line of every age file (age specification, "Header"). */
const MAGIC = 'age-encryption.org/v1\n';

/** Returns the file of the operator's age identities. */
const identityFile = (): string => process.env.HAPG_AGE_IDENTITY || join(home(), '.config', 'hapg', 'age.txt');

const NAME_IT = 'Name your age identity file in HAPG_AGE_IDENTITY';

/** Reads the operator's age identities. Throws Refused, which begins with `wanted`. */
function readIdentities(wanted: string): string[] {
  const file = identityFile();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Refused(
      `${wanted}, and ${file} ${code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`}. ${NAME_IT}`,
      'age_identity',
    );
  }
  const identities = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (identities.length === 0)
    throw new Refused(`${wanted}, and ${file} holds no age identity (AGE-SECRET-KEY-...). ${NAME_IT}`, 'age_identity');
  return identities;
}

const age = () => import('age-encryption');

/** The decrypter of the identities that were used last: a run reads its store several times, and importing a key is slow. */
let last: { identities: string; decrypter: Decrypter } | undefined;

async function decrypterFor(wanted: string): Promise<Decrypter> {
  const identities = readIdentities(wanted);
  const key = identities.join('\n');
  if (last?.identities === key) return last.decrypter;
  const { Decrypter } = await age();
  const decrypter = new Decrypter();
  for (const identity of identities)
    try {
      decrypter.addIdentity(identity);
    } catch {
      // The library's message may quote the identity.
      throw new Refused(`${identityFile()} holds an age identity that is damaged`, 'age_identity');
    }
  last = { identities: key, decrypter };
  return decrypter;
}

/** The reason why a text could not be decrypted; `damaged`: no identity would help. */
export class Undecipherable extends Error {
  constructor(
    message: string,
    readonly damaged: boolean,
  ) {
    super(message);
  }
}

/** Decrypts an age file. Throws Refused without an identity (naming `file`), Undecipherable when no identity opens it or it is damaged. */
export async function decrypt(bytes: Uint8Array, file: string): Promise<string> {
  if (!Buffer.from(bytes).subarray(0, MAGIC.length).equals(Buffer.from(MAGIC)))
    throw new Undecipherable('is no age file', true);
  const decrypter = await decrypterFor(`${file} is encrypted`);
  let plain: Uint8Array;
  try {
    plain = await decrypter.decrypt(bytes);
  } catch (cause) {
    const { message } = cause as Error;
    if (/no identity matched/.test(message))
      throw new Undecipherable(`cannot be decrypted with ${identityFile()}: ${message}`, false);
    throw new Undecipherable(`is damaged and cannot be decrypted (${message})`, true);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch {
    throw new Undecipherable('is no text in UTF-8', true);
  }
}

/**
 * Encrypts a text for age recipients, and proves that the writer can read it again. Throws Refused when a recipient is
 * invalid, or when the operator's identities belong to none of them: the next run could not read the file.
 */
export async function encrypt(text: string, recipients: readonly string[]): Promise<Uint8Array> {
  const { Encrypter } = await age();
  const encrypter = new Encrypter();
  for (const recipient of recipients)
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new Refused(
        `secrets.recipients: ${recipient} is no age recipient (${(cause as Error).message}); "age-keygen -y ${identityFile()}" prints yours`,
        'age_identity',
      );
    }
  const bytes = await encrypter.encrypt(text);
  const decrypter = await decrypterFor(
    `the store shall be encrypted for secrets.recipients, and read again from here ("age-keygen -o ${identityFile()}" makes an identity, and prints its recipient)`,
  );
  const read = await decrypter.decrypt(bytes, 'text').catch(() => undefined);
  if (read !== text)
    throw new Refused(
      `secrets.recipients: ${recipients.join(', ')}: none of the identities in ${identityFile()} belongs to them, so nobody could run hapg from here again. Add ${await ownRecipients()}, or name another identity file in HAPG_AGE_IDENTITY. Nothing was written`,
      'age_identity',
    );
  return bytes;
}

/** Returns the recipients of the operator's identities, which the inventory would have to name. */
async function ownRecipients(): Promise<string> {
  const { identityToRecipient } = await age();
  const own = await Promise.all(readIdentities('secrets.recipients').map((one) => identityToRecipient(one)));
  return own.length === 1 ? `your own (${own[0]})` : `one of your own (${own.join(', ')})`;
}
