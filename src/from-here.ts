import { relative } from 'node:path';

/** A path as the person who runs hapg would type it: from where they stand, unless it is far from there. */
export function fromHere(path: string): string {
  const near = relative('.', path) || '.';
  return near.startsWith('../../') ? path : near;
}
