import type { Inventory } from './schema.ts';
import type { Problem } from './yaml-text.ts';

export type Path = (string | number)[];
/** A check that needs more than one value; `written` are the keys without a section that the inventory has. Pure. */
export type Check = (inventory: Inventory, written: ReadonlySet<string>) => Problem[];

export type HostEntry = [name: string, host: Inventory['hosts'][string]];

/** Returns the hosts of a role, in the order of the inventory. */
export const withRole = (inventory: Inventory, role: HostEntry[1]['roles'][number]): HostEntry[] =>
  Object.entries(inventory.hosts).filter(([, host]) => host.roles.includes(role));

export const error = (path: Path, message: string, atKey = false): Problem => ({
  severity: 'error',
  path,
  message,
  atKey,
});
/** The error for a setting of PostgreSQL on a host without it. */
export const noPostgres = (host: string, path: Path): Problem =>
  error(path, `${host} has no PostgreSQL: its roles lack patroni`, true);
export const warning = (path: Path, message: string, atKey = false): Problem => ({
  severity: 'warning',
  path,
  message,
  atKey,
});
