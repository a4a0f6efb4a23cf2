import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';
import { Interrupted } from '../errors.ts';

/** The streams of a question. */
export interface PromptTerminal {
  input: ReadStream;
  output: WriteStream;
}

export interface PromptOptions {
  /** Hides the input. */
  hidden: boolean;
  /** Ends the question as Ctrl-C does. */
  signal: AbortSignal;
}

const CTRL_C = 3;

/**
 * Discards input typed before the question was shown, as readpassphrase(3) does. Leaves the terminal without echo.
 * Rejects with Interrupted when Ctrl-C was among it.
 */
async function discardTyped(input: ReadStream): Promise<void> {
  let interrupted = false;
  const discard = (chunk: Buffer) => {
    interrupted ||= chunk.includes(CTRL_C);
  };
  input.setRawMode(true);
  input.on('data', discard);
  input.resume();
  // The kernel's buffer is read in the next turn of the event loop, without waiting.
  for (let turn = 0; turn < 3; turn++) await new Promise((done) => setImmediate(done));
  input.off('data', discard);
  input.pause();
  if (interrupted) throw new Interrupted();
}

/**
 * Asks one question and returns the typed line. Rejects with Interrupted on Ctrl-C, on Ctrl-D in an empty line, at the
 * end of the input, and when `signal` is aborted. Restores the terminal in every case.
 */
export async function readLine(
  question: string,
  { input, output }: PromptTerminal,
  { hidden, signal }: PromptOptions,
): Promise<string> {
  const restore = () => input.setRawMode(false);
  try {
    if (signal.aborted) throw new Interrupted();
    await discardTyped(input);
    return await typedLine(question, { input, output }, { hidden, signal });
  } catch (cause) {
    // The cursor stands behind the question.
    output.write('\n');
    throw cause;
  } finally {
    restore();
  }
}

function typedLine(question: string, { input, output }: PromptTerminal, options: PromptOptions): Promise<string> {
  const { hidden, signal } = options;
  if (hidden) output.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const line = createInterface({
    input,
    output: hidden ? nowhere : output,
    terminal: true,
    historySize: 0,
    prompt: hidden ? '' : question,
  });
  let stop: () => void = () => undefined;
  return new Promise<string>((resolve, reject) => {
    stop = () => reject(new Interrupted());
    const typed = (text: string) => {
      // Readline has ended the line on the terminal only where it showed it.
      if (hidden) output.write('\n');
      resolve(text);
    };
    line.once('line', typed).once('SIGINT', stop).once('close', stop);
    // Readline pauses when the process continues after Ctrl-Z.
    line.on('SIGCONT', () => {
      if (hidden) output.write(question);
      line.prompt(true);
    });
    input.once('error', stop);
    signal.addEventListener('abort', stop, { once: true });
    line.prompt();
  }).finally(() => {
    input.off('error', stop);
    signal.removeEventListener('abort', stop);
    line.close();
  });
}
