import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import ssh2 from 'ssh2';
import { loadInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { SecretStore } from '../../src/secrets/store.ts';

export const EXAMPLES = join(import.meta.dirname, '../../inventory');

/** The lab's inventory with hosts that refuse every connection: unused ports of this machine. */
export const nobodysLab = (): string =>
  readFileSync(join(EXAMPLES, 'lab.yaml'), 'utf8')
    .replaceAll(/port: 30(\d\d)/g, 'port: $1')
    .replace('./.hapg/pglab/lab_ed25519', './nobodys_key');

/**
 * Makes this process a separate controller: an empty home and working directory with `lab.yaml`, its key and no agent, removed
 * after the tests. Returns the directory.
 */
export function ownController(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-controller-'));
  const before = { directory: process.cwd(), HOME: process.env.HOME, SSH_AUTH_SOCK: process.env.SSH_AUTH_SOCK };
  process.chdir(directory);
  process.env.HOME = directory;
  delete process.env.SSH_AUTH_SOCK;
  writeFileSync('lab.yaml', nobodysLab());
  writeFileSync('nobodys_key', ssh2.utils.generateKeyPairSync('ed25519').private, { mode: 0o600 });
  after(() => {
    process.chdir(before.directory);
    for (const name of ['HOME', 'SSH_AUTH_SOCK'] as const)
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Makes a secret store for an inventory, as the first apply does. */
export async function withStore(inventory: string): Promise<{ cluster: Cluster; store: SecretStore }> {
  const { cluster } = loadInventory(inventory);
  const store = await SecretStore.create(cluster);
  await store.save();
  return { cluster, store };
}
