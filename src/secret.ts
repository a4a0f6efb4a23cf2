import { inspect } from 'node:util';

/** The replacement of a secret in output. */
export const REDACTED = '[redacted]';

/** A value that must not be shown: every way of printing it yields `[redacted]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the value, for the one place that sends it to the program that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** Returns the text that may be shown. */
  redacted(): string {
    return REDACTED;
  }

  toString(): string {
    return this.redacted();
  }

  toJSON(): string {
    return this.redacted();
  }

  [inspect.custom](): string {
    return this.redacted();
  }
}
