import { closest, distance } from 'fastest-levenshtein';

/** ` (did you mean "X"?)` for the known word that is nearest to a misspelt one; empty when none is near. */
export function suggest(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const best = closest(word, known as string[]);
  return distance(word, best) <= Math.max(2, Math.floor(word.length / 3)) ? ` (did you mean "${best}"?)` : '';
}
