import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Refused } from '../errors.ts';
import { parseInventory } from '../inventory/load.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Setup } from './setup.ts';

/**
 * For a run that has the hosts' locks by now: what it read before, while another run may have had them, is still what is
 * there. Throws Refused when the secret store, the inventory, or a file that the inventory refers to is another one.
 */
export async function confirmUnchanged({ cluster, text, read, options }: Setup, store: SecretStore): Promise<void> {
  await store.confirmUnchanged();
  const changed = (file: string) => new Refused(`${file} changed while this run waited; nothing was done: run again`);
  let now: string | undefined;
  try {
    now = readFileSync(cluster.file, 'utf8');
  } catch {
    // Gone is changed, too.
  }
  if (now !== read) throw changed(cluster.file);
  const again = parseInventory(text, cluster.file, options.extra).cluster;
  if (!isDeepStrictEqual(again.settings, cluster.settings))
    throw changed(`a file that ${cluster.file} takes its hosts from`);
  if (!isDeepStrictEqual(again.upstream?.settings, cluster.upstream?.settings)) throw changed(again.upstream!.file);
}
