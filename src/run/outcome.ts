import { EXIT, KnownError } from '../errors.ts';
import { fileTrouble } from '../file-trouble.ts';
import { packageRoot } from '../package-root.ts';
import { screen } from '../view/screen.ts';
import { endOf } from './ask.ts';

/** Whether an error is about a file of the operator's, not about one of hapg's own. */
const isTheirs = ({ path }: NodeJS.ErrnoException): boolean => !path?.startsWith(`${packageRoot}/templates`);

/**
 * Reports the error that ended a run and returns its exit code. A known error is its message. Trouble with a file of
 * this machine is one line. Everything else is a bug and shows its stack.
 */
export function reportError(cause: unknown): number {
  const error = cause instanceof KnownError ? endOf(cause) : cause;
  const trouble = fileTrouble(error);
  if (error instanceof KnownError) screen.printMessage(error.message);
  else if (trouble && isTheirs(error as NodeJS.ErrnoException)) screen.printMessage(trouble);
  else {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    screen.printMessage(`hapg: this is a bug; please report it:\n${stack}`);
    return EXIT.bug;
  }
  return error instanceof KnownError ? error.exitCode : EXIT.failed;
}

/** Reports errors of promises that nobody awaits in the same way as all others, and ends the process. */
export function reportUncaughtErrors(): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (cause: unknown) => screen.exit(reportError(cause)));
}
