import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { MARKER } from '../boards/grafana.ts';
import { boardFiles } from '../boards/index.ts';
import { FROM_ENVIRONMENT, type PrometheusAddress, prometheusOn } from '../boards/provisioning.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { makeDirectory, onFile } from '../file-trouble.ts';
import { filesOf, type InventoryFiles, loadInventory } from '../inventory/load.ts';
import { type Cluster, hostsWith } from '../inventory/model.ts';
import { print, printJson } from '../run/ask.ts';

/** The flags of `hapg boards`. */
export interface BoardsOptions {
  /** Empty: the data source is told by the environment of Grafana. */
  inventory: InventoryFiles;
  seenAt?: string;
  output: string;
}

/** Returns where the Prometheus of a cluster is: on its host with the role monitoring. Undefined where none has it. */
export const prometheusOf = (cluster: Cluster): PrometheusAddress | undefined =>
  hostsWith(cluster, 'monitoring').length > 0
    ? prometheusOn(cluster.name, cluster.settings.monitoring.prometheus.port)
    : undefined;

/** Throws UsageError where the inventory has faults or no host with a Prometheus. */
function addressFor({ inventory }: BoardsOptions): PrometheusAddress {
  if (inventory.length === 0) return FROM_ENVIRONMENT;
  const found = prometheusOf(loadInventory(inventory).cluster);
  if (!found)
    throw new UsageError(
      `${filesOf(inventory).own}: no host has the role monitoring, so this cluster has no Prometheus of its own; without -i the data source takes its URL from HAPG_PROMETHEUS_URL in the environment of Grafana`,
    );
  return found;
}

/** Throws Refused where a file in the place of one of ours was made by somebody else. */
function expectOurs(directory: string, paths: Iterable<string>): void {
  const foreign = [...paths]
    .map((path) => join(directory, path))
    .filter((path) => existsSync(path) && !onFile(path, () => readFileSync(path, 'utf8')).includes(MARKER));
  if (foreign.length > 0)
    throw new Refused(
      `not made by hapg, and so not written over: ${foreign.join(', ')}. Nothing was written. Move what is there away, or name another directory`,
      'taken',
    );
}

/**
 * `hapg boards`: writes the boards and what tells Grafana about them to a directory. Contacts no host. Files of an earlier
 * run are written anew; any other file in their place is a refusal, before the first one is written.
 */
export function boardsCommand(directory: string, options: BoardsOptions): number {
  const { seenAt = resolve(directory), output } = options;
  if (existsSync(directory) && !statSync(directory).isDirectory())
    throw new UsageError(`${directory}: this is a file, and boards writes a directory`);
  if (!isAbsolute(seenAt)) throw new UsageError(`--seen-at ${seenAt}: an absolute path is needed, as Grafana sees it`);
  const files = boardFiles(seenAt, addressFor(options));
  expectOurs(directory, files.keys());
  for (const [path, text] of files) {
    const target = join(directory, path);
    onFile(target, () => {
      makeDirectory(dirname(target));
      writeFileSync(target, text);
    });
  }
  if (output === 'json') printJson({ directory, seen_at: seenAt, files: [...files.keys()] });
  else
    print(
      [
        ...[...files.keys()].map((path) => join(directory, path)),
        '',
        `${files.size} files. Grafana takes them with GF_PATHS_PROVISIONING=${join(seenAt, 'provisioning')}`,
      ].join('\n'),
    );
  return EXIT.done;
}
