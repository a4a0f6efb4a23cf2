import { existsSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import { type Loaded, loadInventory } from '../inventory/load.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { limitHosts, selectRoles } from '../inventory/select.ts';
import type { RoleName } from '../roles.ts';
import type { SecretStore } from '../secrets/store.ts';
import { keyProblems } from '../transport/named-keys.ts';
import { noColor } from '../view/style.ts';
import { printMessage } from './ask.ts';
import type { CommonOptions } from './options.ts';

/** The inputs of a command: the inventory and the flags. */
export interface Setup {
  cluster: Cluster;
  /** The text of the inventory's own file, after the command's edit; not written yet. */
  text: string;
  /** That text as it was read. */
  read: string;
  /** Where a path stands in the inventory's files. */
  placeOf: Loaded['placeOf'];
  /** The error for problems of the inventory that show only outside its files. */
  refuse: Loaded['refuse'];
  hosts: Host[];
  roles: ReadonlySet<RoleName>;
  warnings: string[];
  options: CommonOptions;
  json: boolean;
}

/** Reads inventory and flags; contacts no host. `edit` changes the inventory's text first. Throws UsageError. */
export function readSetup(options: CommonOptions, edit?: (text: string) => string): Setup {
  if (options.color === false) noColor();
  for (const [flag, value] of [
    ['--forks', options.forks],
    ['--lock-wait', options.lockWait],
  ] as const)
    if (!/^\d+$/.test(value)) throw new UsageError(`${flag} ${value}: a number is needed`);
  if (Number(options.forks) === 0) throw new UsageError('--forks 0: a number from 1 on is needed');
  if (options.privateKey !== undefined && !existsSync(options.privateKey))
    throw new UsageError(`--private-key ${options.privateKey}: there is no such file`);
  let read = '';
  const { cluster, warnings, text, placeOf, refuse } = loadInventory(options.inventory, options.extra, (there) => {
    read = there;
    return edit ? edit(there) : there;
  });
  const hosts = limitHosts(cluster, options.limit);
  const roles = selectRoles(options.tags, options.skipTags);
  if (!options.quiet) for (const warning of warnings) printMessage(warning);
  const json = options.output === 'json';
  return { cluster, text, read, placeOf, refuse, hosts, roles, warnings, options, json };
}

/** Prints the warnings about the secret store's files. */
export function reportStoreWarnings(store: SecretStore | undefined, { quiet }: Pick<CommonOptions, 'quiet'>): void {
  if (!quiet) for (const warning of store?.warnings ?? []) printMessage(warning);
}

/**
 * Throws UsageError, with the place in the inventory, for keys that cannot be offered. To be called before the first
 * connection: what reads the inventory alone needs no key.
 */
export async function expectKeys({ cluster, refuse, options }: Setup, hosts?: readonly Host[]): Promise<void> {
  const { user, privateKey, jump } = options;
  const problems = await keyProblems(cluster, {
    flags: { user, privateKey, jump },
    isHere: true,
    ...(hosts && { hosts }),
  });
  const [first] = problems;
  if (!first) return;
  throw first.path.length === 0
    ? new UsageError(first.message.replace(/^the private key/, '--private-key'))
    : refuse(problems);
}
