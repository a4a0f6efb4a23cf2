import { Secret } from '../secret.ts';

export type Part = string | Secret;

/** How a file is written; tells where secrets stand in a text that somebody has changed. */
export type Form =
  | { syntax: 'yaml'; value: Readonly<Record<string, unknown>> }
  | { syntax: 'ini' }
  | { syntax: 'haproxy' }
  | { syntax: 'pgpass' };

/**
 * A text with secrets in it that knows where they are: the whole for the host that needs it, and the rest for everybody
 * who only looks. Printing it in any way yields the redacted form.
 */
export class SecretText extends Secret {
  #parts: readonly Part[] | (() => readonly Part[]);

  /** `parts` of `text`, or what works them out when somebody wants to see: most texts are only sent. */
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

  /** The text with `[redacted]` for each secret. */
  override redacted(): string {
    return this.parts.join('');
  }
}

const reveal = (part: Part): string => (part instanceof Secret ? part.reveal() : part);

/** Parts one behind the other. */
export const joined = (parts: readonly Part[], form?: Form): SecretText =>
  new SecretText(parts.map(reveal).join(''), parts, form);

/** The parts of any content of a file; a plain secret is one that must not be shown at all. */
export const partsOf = (text: string | Secret): readonly Part[] => (text instanceof SecretText ? text.parts : [text]);

/** The lines of a text, each with its parts and without its line break. A secret does not end a line. */
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

/** A line as the host has it. */
export const lineText = (line: readonly Part[]): string => line.map(reveal).join('');
