import { existsSync } from 'node:fs';
import type { Cluster } from '../inventory/model.ts';
import { type Platform, vmDirectory } from './platform.ts';

/** The platform of the lab that is up, or of a new one. Loads only that one. */
export async function platformOf(cluster: Cluster, vm = existsSync(vmDirectory(cluster))): Promise<Platform> {
  return vm
    ? (await import('./vm/platform.ts')).vms(cluster)
    : (await import('./docker/platform.ts')).containers(cluster);
}
