import type { Secret } from '../secret.ts';
import { redact } from './redact.ts';

/**
 * The way out of this process. What a run knows of secrets is announced here once, and everything that leaves as text (the
 * screen, JSON, errors, the journal, saved plans) is searched for it on its last step. Nothing that hapg reads itself
 * comes through here.
 */
let known: (() => Iterable<Secret>)[] = [];

/** From now on these secrets do not leave; asked for anew each time, for a run makes and learns more of them. */
export function keepInside(secrets: () => Iterable<Secret>): void {
  known.push(secrets);
}

/** Forgets what was announced; for a process that runs several commands. */
export function forgetSecrets(): void {
  known = [];
}

/** A text on its way out. */
export const scrub = (text: string): string =>
  redact(
    text,
    known.flatMap((secrets) => [...secrets()]),
  );

/** A document on its way out: as it is, with every text in it scrubbed. */
export function scrubbed<T>(value: T): T {
  if (typeof value === 'string') return scrub(value) as T;
  if (Array.isArray(value)) return value.map(scrubbed) as T;
  if (value === null || typeof value !== 'object' || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [scrub(key), scrubbed(inner)])) as T;
}
