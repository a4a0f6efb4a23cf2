import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { Refused } from '../../src/errors.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import type { CommonOptions } from '../../src/run/options.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { readStoreFile } from '../../src/secrets/store-file.ts';
import type { Stored } from '../../src/secrets/stored.ts';

/** Where the stores of a test file are; gone with it. */
export const root = mkdtempSync(join(tmpdir(), 'hapg-store-'));
after(() => rmSync(root, { recursive: true, force: true }));

const mine = await generateIdentity();
/** The recipient of whom this process has the identity, and one of whom it has not. */
export const me = await identityToRecipient(mine);
export const colleague = await identityToRecipient(await generateIdentity());
writeFileSync(join(root, 'age.txt'), `# created: now\n${mine}\n`);
process.env.HAPG_AGE_IDENTITY = join(root, 'age.txt');

export const TEXT = readFileSync('inventory/lab.yaml', 'utf8');
/** The lab's model in a directory of its own, for recipients and with more users. */
export function clusterIn(
  directory: string,
  recipients: readonly string[] = [],
  users: readonly string[] = [],
): Cluster {
  const { cluster } = parseInventory(
    `${TEXT}secrets: {recipients: ${JSON.stringify(recipients)}}\n`,
    join(root, directory, 'lab.yaml'),
  );
  cluster.settings.postgres.users.push(...users.map((name) => ({ name, roles: [] })));
  return cluster;
}

/** Reads (or makes) the store, changes it, saves it, as `apply` would. */
export async function applied(
  cluster: Cluster,
  change: (store: SecretStore) => Promise<unknown> = async () => undefined,
) {
  const store = (await SecretStore.read(cluster)) ?? (await SecretStore.create(cluster));
  await store.complete();
  await store.save();
  await change(store);
  return store;
}

export const storedIn = async (cluster: Cluster): Promise<Stored> => (await readStoreFile(cluster))!.stored;
/** Names in the state directory, but for the lock, which a dead run leaves until the next one that writes. */
export const filesIn = ({ stateDir }: Cluster): string[] =>
  readdirSync(stateDir)
    .filter((name) => !name.startsWith('lock'))
    .sort();
export const plainIn = ({ stateDir }: Cluster, secret: string): string[] =>
  readdirSync(stateDir).filter((name) => readFileSync(join(stateDir, name), 'latin1').includes(secret));
export const refused = (message: RegExp) => (error: Error) => {
  assert.ok(error instanceof Refused, error.stack);
  assert.match(error.message, message);
  return true;
};

/** What a store holds that may not be saved. */
export const inMemory = async (store: SecretStore): Promise<Stored> =>
  structuredClone((store as unknown as { stored: Stored }).stored);

/** As the file tells it: without prototypes, and without what is undefined. */
export const plain = (one: Stored): unknown => JSON.parse(JSON.stringify(one));

/** Flags of a command that asks nothing; with an inventory. */
export const OPTIONS = {
  inventory: '',
  extra: [],
  forks: '5',
  lockWait: '0',
  output: 'text',
  quiet: true,
  verbose: 0,
  yes: true,
  askBecomePass: false,
} as unknown as CommonOptions;
