import type { Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';
import { sharedParameters } from '../patroni/dynamic-config.ts';
import { declaredBuffers } from '../patroni/patroni.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** The shared_buffers from which on huge pages are worth their reservation (bytes). */
const LEAST_BUFFERS = GIB;

/**
 * Returns how much shared memory PostgreSQL asks for (bytes), a little more rather than less, so that the number of pages
 * does not change once it runs and can say (`shared_memory_size_in_huge_pages`). Beside the buffers: their descriptors
 * and mapping (2 to 3 %), WAL buffers, SLRU and statistics, and for each connection its locks and process entry. Measured
 * with 17.6: 128 MB and 100 connections ask for 143 MiB, 8 GB and 100 for 8400 MiB.
 */
export const sharedMemory = (buffers: number, connections: number): number =>
  buffers * 1.03 + 48 * MIB + connections * 64 * KIB;

/** Returns the number of huge pages that a member needs; 0 where its shared_buffers are small. */
export function hugePagesFor(host: Host, context: Context): number {
  const buffers = declaredBuffers(host, context) ?? 0;
  if (buffers < LEAST_BUFFERS) return 0;
  const connections = Number(sharedParameters(context.cluster).max_connections);
  return Math.ceil(sharedMemory(buffers, connections) / context.facts(host).hugePageBytes);
}
