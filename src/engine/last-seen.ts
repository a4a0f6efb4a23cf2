import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileTrouble } from '../file-trouble.ts';
import type { Cluster } from '../inventory/model.ts';
import type { Facts } from '../observe/host.ts';
import type { Observation } from '../observe/index.ts';
import { ownFile } from '../own-files.ts';
import { ensureStateDir } from '../secrets/store-file.ts';
import type { Probed } from './probe.ts';

/** The observations of the last run: a guess that saves a round trip, never trusted. */
export interface LastSeen {
  facts: Record<string, Facts>;
  observations: Record<string, Observation>;
}

const fileOf = (cluster: Cluster): string => join(cluster.stateDir, 'last-seen.json');

/** Version of the format, raised with every change of it; another format is not read. */
const FORMAT = '2';

/**
 * Digest over the content and the version of hapg: content of another version, or edited by hand, may have another
 * shape.
 */
const digestOf = (seen: LastSeen): string =>
  createHash('sha256').update(FORMAT).update(ownFile('package.json')).update(JSON.stringify(seen)).digest('hex');

/**
 * Reads the observations of the last run. Empty where there are none, or where this version of hapg did not write them.
 */
export function recall(cluster: Cluster): LastSeen {
  try {
    const { digest, seen } = JSON.parse(readFileSync(fileOf(cluster), 'utf8')) as { digest: string; seen: LastSeen };
    if (digest === digestOf(seen)) return seen;
  } catch {
    // A missing or half-written file costs one more round trip, nothing else.
  }
  return { facts: {}, observations: {} };
}

/** Saves the observations of some hosts beside those of the others. A disk that cannot take them costs a round trip. */
export function remember(cluster: Cluster, probed: ReadonlyMap<string, Probed>): void {
  const memory = recall(cluster);
  for (const [name, { facts, observation }] of probed) {
    memory.facts[name] = facts;
    memory.observations[name] = observation;
  }
  try {
    ensureStateDir(cluster);
    writeFileSync(fileOf(cluster), JSON.stringify({ digest: digestOf(memory), seen: memory }), { mode: 0o600 });
  } catch (cause) {
    if (!fileTrouble(cause)) throw cause;
  }
}
