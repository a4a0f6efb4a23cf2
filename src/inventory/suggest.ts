import { closest, distance } from 'fastest-levenshtein';

/** Returns ` (did you mean "...")?` when one of the known words is near enough to what was written, else an empty text. */
export function suggest(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const begun = known.filter((one) => one.length > 2 && word.toLowerCase().startsWith(one.toLowerCase()));
  const best = begun[0] ?? closest(word, known as string[]);
  const near = distance(word, best) <= Math.min(Math.max(2, Math.floor(word.length / 3)), Math.floor(word.length / 2));
  return begun[0] || near ? ` (did you mean "${best}"?)` : '';
}
