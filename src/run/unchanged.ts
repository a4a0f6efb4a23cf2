import { isDeepStrictEqual } from 'node:util';
import { Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { loadInventory } from '../inventory/load.ts';
import { inventoryFiles } from '../inventory/model.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Setup } from './setup.ts';

/**
 * Checks, under the hosts' locks, that the inputs read before are still current; another run may have held the locks
 * meanwhile. Throws Refused when the secret store, the inventory, or a file that the inventory refers to has changed.
 */
export async function confirmUnchanged({ cluster, text, read, options }: Setup, store: SecretStore): Promise<void> {
  await store.confirmUnchanged();
  const changed = (what: string) =>
    new Refused(`${what} changed while this run waited; nothing was done: run again`, 'changed_meanwhile');
  let now: string | undefined;
  let again: typeof cluster;
  try {
    again = loadInventory(inventoryFiles(cluster), options.extra, (there) => {
      now = there;
      return text;
    }).cluster;
  } catch (cause) {
    // A missing file counts as changed, and so does one that has become wrong.
    if (cause instanceof UsageError) throw changed(fromHere(cluster.file));
    throw cause;
  }
  if (now !== read) throw changed(fromHere(cluster.file));
  if (!isDeepStrictEqual(again.settings, cluster.settings))
    throw changed(
      [...cluster.under.map(fromHere), `a file that ${fromHere(cluster.file)} takes its hosts from`].join(' or '),
    );
  if (!isDeepStrictEqual(again.upstream?.settings, cluster.upstream?.settings))
    throw changed(fromHere(again.upstream!.file));
}
