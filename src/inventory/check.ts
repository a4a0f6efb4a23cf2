import type { Inventory } from './schema.ts';
import type { Problem } from './source.ts';

export type Path = (string | number)[];
/** One question that a single value cannot answer. Pure. */
export type Check = (inventory: Inventory) => Problem[];

export const error = (path: Path, message: string, atKey = false): Problem => ({
  severity: 'error',
  path,
  message,
  atKey,
});
export const warning = (path: Path, message: string, atKey = false): Problem => ({
  severity: 'warning',
  path,
  message,
  atKey,
});
