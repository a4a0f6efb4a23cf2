import { REDACTED } from '../../secret.ts';

/** One line of a file as it may be shown. */
export interface ShownLine {
  /** Its place, such as the section; with the text it identifies the same line of another version. */
  place: string;
  text: string;
  /** The line as it is written in the file. */
  raw: string;
}

/** The lines of a file that may be shown, and the values that were left out. */
export interface ShownText {
  lines: ShownLine[];
  found: string[];
}

/** Two texts that can be compared line by line, and hold no secret. */
export interface Comparison {
  before: string;
  after: string;
}

/** The placeholder for a changed secret. */
export const CHANGED = '[redacted, changed]';

/** The least length of a value to search for anywhere (characters): a shorter one is part of too many words. */
const SHORTEST = 4;

/** Returns a function that redacts values anywhere in a text, the longest first. */
export function sweeper(values: Iterable<string>): (text: string) => string {
  const needles = [...new Set(values)].filter((value) => value.length >= SHORTEST).sort((a, b) => b.length - a.length);
  if (needles.length === 0) return (text) => text;
  const pattern = new RegExp(
    // Placeholders are skipped, so that a secret "acte" does not match inside one.
    [CHANGED, REDACTED, ...needles].map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'),
    'g',
  );
  return (text) => text.replace(pattern, (match) => (match === CHANGED || match === REDACTED ? match : REDACTED));
}

/** Returns both texts without the secrets of either; a line whose only difference is a secret is marked as changed. */
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
