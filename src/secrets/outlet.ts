import type { Secret } from '../secret.ts';
import { redact } from './redact.ts';

/**
 * Sources of the secrets that must not leave this process. A run registers its secrets once, and everything that leaves
 * as text (the screen, JSON, errors, the journal, saved plans) is searched for them at the last step. Texts that hapg
 * itself reads again do not pass through here.
 */
let known: (() => Iterable<Secret>)[] = [];

/** Registers secrets that must not leave; they are read on each use, since a run makes and learns more of them. */
export function registerSecrets(secrets: () => Iterable<Secret>): void {
  known.push(secrets);
}

/** Unregisters all secrets; for a process that runs several commands. */
export function unregisterSecrets(): void {
  known = [];
}

/** Redacts a text that leaves the process. */
export const scrub = (text: string): string =>
  redact(
    text,
    known.flatMap((secrets) => [...secrets()]),
  );

/** Returns a document that leaves the process, with every text in it redacted. */
export function scrubbed<T>(value: T): T {
  if (typeof value === 'string') return scrub(value) as T;
  if (Array.isArray(value)) return value.map(scrubbed) as T;
  if (value === null || typeof value !== 'object' || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [scrub(key), scrubbed(inner)])) as T;
}
