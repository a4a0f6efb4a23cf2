import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Refused } from '../errors.ts';
import { parseInventory } from '../inventory/load.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Setup } from './setup.ts';

/**
 * Checks, under the hosts' locks, that the inputs read before are still current; another run may have held the locks
 * meanwhile. Throws Refused when the secret store, the inventory, or a file that the inventory refers to has changed.
 */
export async function confirmUnchanged({ cluster, text, read, options }: Setup, store: SecretStore): Promise<void> {
  await store.confirmUnchanged();
  const changed = (file: string) => new Refused(`${file} changed while this run waited; nothing was done: run again`);
  let now: string | undefined;
  try {
    now = readFileSync(cluster.file, 'utf8');
  } catch {
    // A missing file counts as changed.
  }
  if (now !== read) throw changed(cluster.file);
  const again = parseInventory(text, cluster.file, options.extra).cluster;
  if (!isDeepStrictEqual(again.settings, cluster.settings))
    throw changed(`a file that ${cluster.file} takes its hosts from`);
  if (!isDeepStrictEqual(again.upstream?.settings, cluster.upstream?.settings)) throw changed(again.upstream!.file);
}
