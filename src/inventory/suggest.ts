import { closest, distance } from 'fastest-levenshtein';

/** Returns ` (did you mean "...")?` when one of the known words is near enough to what was written, else an empty text. */
export function suggest(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const best = closest(word, known as string[]);
  return distance(word, best) <= Math.max(2, Math.floor(word.length / 3)) ? ` (did you mean "${best}"?)` : '';
}
