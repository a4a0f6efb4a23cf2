import { EXIT, KnownError, Refused } from '../errors.ts';
import { fileTrouble } from '../file-trouble.ts';
import { BadInventory } from '../inventory/yaml-text.ts';
import { isTemplate } from '../own-files.ts';
import { screen } from '../view/screen.ts';
import { paint } from '../view/style.ts';
import { endOf, printJson } from './ask.ts';

/** Whether an error is about a file of the operator's, not about one of hapg's own. */
const isTheirs = ({ path }: NodeJS.ErrnoException): boolean => path === undefined || !isTemplate(path);

/**
 * Reports the error that ended a run and returns its exit code. A known error is its message. Trouble with a file of
 * this machine is one line. Everything else is a bug and shows its stack.
 */
export function reportError(cause: unknown): number {
  const error = cause instanceof KnownError ? endOf(cause) : cause;
  const trouble = fileTrouble(error);
  if (error instanceof KnownError) screen.printMessage(`${error.message}${explained(error)}`);
  else if (trouble && isTheirs(error as NodeJS.ErrnoException)) screen.printMessage(trouble);
  else {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    screen.printMessage(`hapg: this is a bug; please report it:\n${stack}`);
    return EXIT.bug;
  }
  return error instanceof KnownError ? error.exitCode : EXIT.failed;
}

/** The line that says where a person learns more about a refusal; empty for any other error. */
const explained = (error: KnownError): string =>
  // A person knows why they have answered no.
  error instanceof Refused && !error.codes.includes('not_confirmed')
    ? paint.dim(`\n  hapg explain ${error.codes.join(' ')}`)
    : '';

/** What ended a run, in a word, by its exit code. */
const KINDS: Readonly<Record<number, string>> = {
  [EXIT.refused]: 'refused',
  [EXIT.failed]: 'failed',
  [EXIT.locked]: 'locked',
  [EXIT.unreachable]: 'unreachable',
  [EXIT.usage]: 'usage',
  [EXIT.interrupted]: 'interrupted',
  [EXIT.bug]: 'bug',
};

/** Prints the document of a run that has ended with an error, for `-o json`. */
export function printErrorDocument(code: number, message: string, cause?: unknown): void {
  const codes = cause instanceof Refused ? cause.codes : undefined;
  const problems = cause instanceof BadInventory ? cause.problems.map(problemOf) : undefined;
  printJson({ format_version: 1, ok: false, exit_code: code, error: { kind: KINDS[code], message, codes }, problems });
}

/** A problem of an inventory from its line, `file:line:column: severity: message`; without a place where it has none. */
function problemOf(text: string): object {
  const [, file, line, column, severity, message] = /^(.*?):(\d+):(\d+): (error|warning): (.*)$/.exec(text) ?? [];
  return message === undefined
    ? { severity: 'error', message: text }
    : { severity, file, line: Number(line), column: Number(column), message };
}

/** Reports errors of promises that nobody awaits in the same way as all others, and ends the process. */
export function reportUncaughtErrors(): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (cause: unknown) => screen.exit(reportError(cause)));
}
