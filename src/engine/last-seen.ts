import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileTrouble } from '../file-trouble.ts';
import type { Cluster } from '../inventory/model.ts';
import type { Facts } from '../observe/host.ts';
import type { Observation } from '../observe/index.ts';
import { packageRoot } from '../package-root.ts';
import { ensureStateDir } from '../secrets/store-file.ts';
import type { Probed } from './probe.ts';

/** What the last run saw; only a guess that saves a round trip, never trusted. */
export interface LastSeen {
  facts: Record<string, Facts>;
  observations: Record<string, Observation>;
}

const fileOf = (cluster: Cluster): string => join(cluster.stateDir, 'last-seen.json');

/** Raised with every change of what is remembered: what has another shape is no memory. */
const FORMAT = '2';

/** Of what is remembered and of the version that wrote it: what another one wrote, or a person, may have another shape. */
const digestOf = (seen: LastSeen): string =>
  createHash('sha256')
    .update(FORMAT)
    .update(readFileSync(join(packageRoot, 'package.json')))
    .update(JSON.stringify(seen))
    .digest('hex');

/** What the last run saw; nothing where there is none, or what is there was not written by this version of hapg. */
export function recall(cluster: Cluster): LastSeen {
  try {
    const { digest, seen } = JSON.parse(readFileSync(fileOf(cluster), 'utf8')) as { digest: string; seen: LastSeen };
    if (digest === digestOf(seen)) return seen;
  } catch {
    // A memory that is not there, or half written, costs one more round trip, nothing else.
  }
  return { facts: {}, observations: {} };
}

/** Keeps what was seen of some hosts beside what was seen of the others; a disk that cannot take it costs a round trip. */
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
