import type { RefusalCode } from './refusal-codes.ts';

/**
 * The exit codes (the table is part of the outside contract). Any other error is a bug and exits with 250 and a stack.
 */
export const EXIT = {
  done: 0,
  refused: 1,
  failed: 2,
  locked: 3,
  unreachable: 4,
  usage: 5,
  interrupted: 130,
  bug: 250,
} as const;

/** A known error that ends a run: one short message for the operator, no stack. */
export class KnownError extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** Bad flags or a bad inventory; nothing was contacted. */
export class UsageError extends KnownError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** A verdict or gate refused, or the cluster is not healthy. */
export class Refused extends KnownError {
  /** What kind of reasons there are; `hapg explain` knows them. */
  readonly codes: readonly [RefusalCode, ...RefusalCode[]];

  constructor(message: string, ...codes: readonly [RefusalCode, ...RefusalCode[]]) {
    super(message, EXIT.refused);
    this.codes = codes;
  }
}

/** Another run holds the lock of a host. */
export class Locked extends KnownError {
  constructor(
    readonly host: string,
    holder: string,
  ) {
    super(`${host}: locked by another run (${holder}). Wait for it, or use --lock-wait SECONDS.`, EXIT.locked);
  }
}

/** A host is unreachable: network, login or host key. */
export class Unreachable extends KnownError {
  constructor(
    readonly host: string,
    readonly reason: string,
  ) {
    super(`${host}: unreachable: ${reason}`, EXIT.unreachable);
  }
}

/** A step failed on a host. */
export class StepFailed extends KnownError {
  constructor(
    readonly host: string,
    readonly step: string,
    readonly reason: string,
  ) {
    super(`${host}: ${step}: ${reason}`, EXIT.failed);
  }
}

/** A host did not answer a script: the link was lost, or it took too long. */
export class Unanswered extends KnownError {
  constructor(
    readonly host: string,
    readonly reason: string,
  ) {
    super(`${host}: ${reason}`, EXIT.failed);
  }
}

/** Returns why something failed on a host, without the name of the host. */
export const reasonOn = (cause: unknown): string =>
  cause instanceof Unanswered ? cause.reason : (cause as Error).message;

/** The operator asked to stop. */
export class Interrupted extends KnownError {
  constructor(message = 'interrupted') {
    super(message, EXIT.interrupted);
  }
}
