import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';

/** Where a cluster's secrets are kept: in plain YAML (mode 0600), or encrypted when the inventory names age recipients. */
export const storeFile = (cluster: Cluster): string =>
  join(cluster.stateDir, cluster.settings.secrets.recipients.length > 0 ? 'secrets.age' : 'secrets.yaml');

/**
 * The text of the store, decrypted; undefined when there is none. `misplaced` when the inventory now wants it kept in the
 * other form. Throws Refused when it cannot be decrypted.
 */
export async function readStoreFile(cluster: Cluster): Promise<{ text: string; misplaced: boolean } | undefined> {
  for (const name of ['secrets.age', 'secrets.yaml']) {
    const file = join(cluster.stateDir, name);
    if (!existsSync(file)) continue;
    const text = name.endsWith('.age') ? await decrypt(file) : readFileSync(file, 'utf8');
    return { text, misplaced: file !== storeFile(cluster) };
  }
  return undefined;
}

/** Writes the store atomically, readable by its owner only. */
export async function writeStoreFile(cluster: Cluster, text: string): Promise<void> {
  ensureStateDir(cluster);
  const file = storeFile(cluster);
  writeFileSync(`${file}.new`, await encrypt(text, cluster.settings.secrets.recipients), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Makes `.hapg/<cluster>` for its owner only. */
export function ensureStateDir(cluster: Cluster): void {
  mkdirSync(cluster.stateDir, { recursive: true, mode: 0o700 });
  chmodSync(cluster.stateDir, 0o700);
}

async function encrypt(text: string, recipients: readonly string[]): Promise<string | Uint8Array> {
  if (recipients.length === 0) return text;
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(text);
}

async function decrypt(file: string): Promise<string> {
  const identityFile = process.env.HAPG_AGE_IDENTITY ?? join(homedir(), '.config', 'hapg', 'age.txt');
  if (!existsSync(identityFile))
    throw new Refused(
      `${file} is encrypted and ${identityFile} is not there. Name your age identity file in HAPG_AGE_IDENTITY`,
    );
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const line of readFileSync(identityFile, 'utf8').split('\n'))
    if (line.startsWith('AGE-SECRET-KEY-')) decrypter.addIdentity(line.trim());
  try {
    return await decrypter.decrypt(readFileSync(file), 'text');
  } catch (cause) {
    throw new Refused(`${file} cannot be decrypted with ${identityFile}: ${(cause as Error).message}`);
  }
}
