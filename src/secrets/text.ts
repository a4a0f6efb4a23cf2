import { Secret } from '../secret.ts';

export type Part = string | Secret;

/** The syntax of a file, by which secrets are found in a text that somebody has changed. */
export type Form =
  | { syntax: 'yaml'; value: Readonly<Record<string, unknown>> }
  | { syntax: 'ini' }
  | { syntax: 'haproxy' }
  | { syntax: 'pgpass' };

/**
 * A text that knows the places of its secrets: the whole is for the host that needs it. Printing it in any way yields
 * the redacted form.
 */
export class SecretText extends Secret {
  #parts: readonly Part[] | (() => readonly Part[]);

  /** Takes the parts of `text`, or a function that computes them on demand: most texts are only sent. */
  constructor(
    text: string,
    parts: readonly Part[] | (() => readonly Part[]),
    readonly form?: Form,
  ) {
    super(text);
    this.#parts = parts;
  }

  get parts(): readonly Part[] {
    if (typeof this.#parts === 'function') this.#parts = this.#parts();
    return this.#parts;
  }

  /** Returns the text with `[redacted]` for each secret. */
  override redacted(): string {
    return this.parts.join('');
  }
}

const reveal = (part: Part): string => (part instanceof Secret ? part.reveal() : part);

/** Joins parts. */
export const joined = (parts: readonly Part[], form?: Form): SecretText =>
  new SecretText(parts.map(reveal).join(''), parts, form);

/** Returns the parts of a file's content; a plain secret is one that must not be shown at all. */
export const partsOf = (text: string | Secret): readonly Part[] => (text instanceof SecretText ? text.parts : [text]);

/** Returns the lines of a text, each with its parts and without its line break. A secret does not end a line. */
export function linesOf(text: string | Secret): Part[][] {
  const lines: Part[][] = [[]];
  for (const part of partsOf(text)) {
    if (part instanceof Secret) {
      lines.at(-1)!.push(part);
      continue;
    }
    for (const [index, piece] of part.split('\n').entries()) {
      if (index > 0) lines.push([]);
      if (piece) lines.at(-1)!.push(piece);
    }
  }
  return lines;
}

/** Returns a line as the host has it. */
export const lineText = (line: readonly Part[]): string => line.map(reveal).join('');
