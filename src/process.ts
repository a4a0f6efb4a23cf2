import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXIT, KnownError } from './errors.ts';
import { errnoWords, fileTrouble } from './file-trouble.ts';
import { packageRoot } from './package-root.ts';
import { scrub } from './secrets/outlet.ts';

/** Whether an error is about a file of the person's, not about one that hapg brings along. */
const isTheirs = ({ path }: NodeJS.ErrnoException): boolean => !path?.startsWith(`${packageRoot}/templates`);

/**
 * Tells standard error what has ended a run, and returns its exit code: a known error is its message; trouble with a file
 * of this machine is one line; all else is a bug and shows its stack. No secret of the run is in it.
 */
export function tell(error: unknown): number {
  if (error instanceof KnownError) {
    process.stderr.write(`${scrub(error.message)}\n`);
    return error.exitCode;
  }
  const trouble = fileTrouble(error);
  if (trouble && isTheirs(error as NodeJS.ErrnoException)) {
    process.stderr.write(`${scrub(trouble)}\n`);
    return EXIT.failed;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`hapg: this is a bug; please report it:\n${scrub(stack)}\n`);
  return EXIT.bug;
}

/** Whether a module is the program that was started, and not a part of another one. */
export function isProgram(url: string): boolean {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === realpathSync(fileURLToPath(url));
}

/** What has become of a stream that nobody reads any more. */
let unwritten: NodeJS.ErrnoException | undefined;

/** Whether whoever read standard output has gone away (`hapg logs -f | head`). */
export const isUnheard = (): boolean => unwritten?.code === 'EPIPE';

/**
 * Runs the program and ends the process with its exit code. A reader that goes away (`hapg plan | head -1`) ends no work on
 * hosts: what is written from then on is lost, and the exit code stays that of the work.
 */
export async function endWith(program: () => Promise<number>): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (cause: NodeJS.ErrnoException) => {
      if (stream === process.stdout) unwritten ??= cause;
    });
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (cause: unknown) => process.exit(tell(cause)));
  const code = await program();
  // A dead link or a killed unit's poll must not keep the process; what was printed is flushed first.
  process.stdout.write('', () => {
    if (!unwritten || isUnheard()) process.exit(code);
    process.stderr.write(`standard output cannot be written: ${errnoWords(unwritten) ?? unwritten.message}\n`, () =>
      process.exit(code || EXIT.failed),
    );
  });
}
