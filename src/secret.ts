import { inspect } from 'node:util';

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** A value that must not be shown: every way of printing it yields `[redacted]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one place that sends it to the program that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** What may be shown of it. */
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
