/**
 * The ways a run can end, each with its exit code (the table is part of the outside contract).
 * Everything else that is thrown is a bug and ends with 250 and a stack.
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

/** A known end of a run: one short message for the person, no stack. */
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

/** A guard or gate said no, or the cluster is not healthy. */
export class Refused extends KnownError {
  constructor(message: string) {
    super(message, EXIT.refused);
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

/** No SSH session with a host: network, login or host key. */
export class Unreachable extends KnownError {
  constructor(
    readonly host: string,
    reason: string,
  ) {
    super(`${host}: unreachable: ${reason}`, EXIT.unreachable);
  }
}

/** A step could not be carried out on a host. */
export class StepFailed extends KnownError {
  constructor(
    readonly host: string,
    readonly step: string,
    readonly reason: string,
  ) {
    super(`${host}: ${step}: ${reason}`, EXIT.failed);
  }
}

/** The person asked to stop. */
export class Interrupted extends KnownError {
  constructor(message = 'interrupted') {
    super(message, EXIT.interrupted);
  }
}
