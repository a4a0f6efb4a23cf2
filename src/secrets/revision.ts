import { randomBytes } from 'node:crypto';
import { whoAmI } from '../whoami.ts';
import type { Stored } from './stored.ts';

/** How many former revisions a store remembers. */
const REMEMBERED = 200;

/** Makes the next revision of a store: one more, with a unique name. */
export function raiseRevision(stored: Stored): void {
  stored.revision = (stored.revision ?? 0) + 1;
  stored.lineage = [...(stored.lineage ?? []), randomBytes(4).toString('hex')].slice(-REMEMBERED);
  stored.changed = { by: whoAmI(), at: new Date().toISOString() };
}

/** Formats a revision for an operator. */
export const describeRevision = ({ revision, changed }: Pick<Stored, 'revision' | 'changed'>): string =>
  revision === undefined
    ? 'without a revision'
    : `revision ${revision}${changed ? `, by ${changed.by} at ${changed.at}` : ''}`;
