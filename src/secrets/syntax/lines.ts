import { REDACTED } from '../../secret.ts';

/** One line of a file as it may be shown. */
export interface ShownLine {
  /** Where it stands, such as the section; with the text it tells which line of another version is the same one. */
  place: string;
  text: string;
  /** As it is written in the file. */
  raw: string;
}

/** What may be shown of a file, and the values that were left out of it. */
export interface ShownText {
  lines: ShownLine[];
  found: string[];
}

/** Two texts that can be compared line by line, and hold no secret. */
export interface Comparison {
  before: string;
  after: string;
}

/** What stands for a secret that is another one than before. */
export const CHANGED = '[redacted, changed]';

/** Shorter values are parts of too many words to be looked for wherever they stand. */
const SHORTEST = 4;

/** Takes values out of a text wherever they stand, the longest first. */
export function sweeper(values: Iterable<string>): (text: string) => string {
  const needles = [...new Set(values)].filter((value) => value.length >= SHORTEST).sort((a, b) => b.length - a.length);
  if (needles.length === 0) return (text) => text;
  const pattern = new RegExp(
    // What is redacted already is passed over, so that a secret "acte" does not open it.
    [CHANGED, REDACTED, ...needles].map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'),
    'g',
  );
  return (text) => text.replace(pattern, (match) => (match === CHANGED || match === REDACTED ? match : REDACTED));
}

/**
 * The two texts without anything that was found to be secret in either; a line in which nothing but a secret differs from
 * the one that was in its place says so.
 */
export function compareLines(before: ShownText, after: ShownText): Comparison {
  const sweep = sweeper([...before.found, ...after.found]);
  const swept = ({ lines }: ShownText) => lines.map((line) => ({ ...line, text: sweep(line.text) }));
  const [old, now] = [swept(before), swept(after)];
  const marked = now.map(({ place, text, raw }) => {
    const same = old.filter((line) => line.place === place && line.text === text);
    const changed = same.length > 0 && !same.some((line) => line.raw === raw);
    return changed ? text.replace(REDACTED, CHANGED) : text;
  });
  const end = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
  return { before: end(old.map(({ text }) => text)), after: end(marked) };
}
