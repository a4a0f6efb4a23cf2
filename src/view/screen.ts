import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { EXIT, Interrupted, UsageError } from '../errors.ts';
import { scrub } from '../secrets/outlet.ts';
import { readLine } from './prompt.ts';
import { hasColour, plain } from './style.ts';
import { visible } from './visible.ts';

type Output = NodeJS.WriteStream;

/** Moves the cursor to the first live line and erases everything from there on. */
const erase = (lines: number): string => (lines > 0 ? `\x1b[${lines}A\r\x1b[J` : '');
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR = '\x1b[H\x1b[2J';

const countLines = (text: string): number => text.split('\n').length - 1;

/**
 * The one owner of the terminal. All output and input goes through it: results (`print`), messages (`printMessage`),
 * questions (`ask`), and the live lines of the progress (`draw`), which stay at the bottom. Text appears above the live
 * lines. While a question is open there are no live lines, and text printed meanwhile appears after the answer. Nothing
 * else in the project writes to standard output or standard error. Secrets of the run are redacted here.
 */
export class Screen {
  /** The live lines as they stand on the terminal, each ended by a newline. */
  private live = '';
  /** The open question. */
  private open: AbortController | undefined;
  /** Output that arrived while it was open, in order. */
  private waiting: (() => void)[] = [];
  /** Questions are asked one after another. */
  private turn: Promise<unknown> = Promise.resolve();
  private stopped = false;
  private ended = false;
  /** The error of a failed write to standard output. */
  private lost: NodeJS.ErrnoException | undefined;

  constructor(
    private readonly input: NodeJS.ReadStream = process.stdin,
    private readonly output: Output = process.stdout,
    private readonly messages: Output = process.stderr,
  ) {
    // The reader may end before the run (a pager, `head`); the run continues.
    messages.on('error', () => undefined);
    output.on('error', (error: NodeJS.ErrnoException) => {
      this.lost ??= error;
    });
  }

  /** Ctrl-Z: the shell writes below the live lines; afterwards they are drawn again below that. */
  private readonly stop = (): void => {
    this.live = '';
    process.kill(process.pid, 'SIGSTOP');
  };

  /** Whether there is a terminal for questions. */
  get canAsk(): boolean {
    return this.input.isTTY === true;
  }

  /** Whether the results are still read; a pipe may be closed. */
  get isRead(): boolean {
    return this.lost === undefined;
  }

  /** Whether this number of live lines fits on the terminal. */
  hasRoomFor(lines: number): boolean {
    const { isTTY, rows = 0, columns = 0 } = this.output;
    return isTTY === true && process.env.TERM !== 'dumb' && rows > lines + 4 && columns >= 20;
  }

  /** Present size of the terminal of the live lines. */
  get size(): { rows: number; columns: number } {
    return { rows: this.output.rows ?? 24, columns: this.output.columns ?? 80 };
  }

  /** Whether a question is open: nothing is drawn then. */
  get isAsking(): boolean {
    return this.open !== undefined;
  }

  /** Prints a result on standard output. */
  print(text: string): void {
    this.write(this.output, `${text}\n`);
  }

  /** Prints a result with its secrets, for an operator who has asked to see them. */
  printSecrets(text: string): void {
    this.write(this.output, `${text}\n`, false);
  }

  /** Prints a message on standard error. */
  printMessage(text: string): void {
    this.write(this.messages, `${text}\n`);
  }

  /** Prints the text that belongs to a question, on the question's stream, wherever results go. */
  explain(text: string): void {
    this.write(this.terminal ?? this.messages, `${text}\n`);
  }

  /** Clears the terminal before the next result; does nothing where standard output is none. */
  clear(): void {
    if (this.output.isTTY) this.output.write(CLEAR);
  }

  /** Replaces the live lines; each is ended by a newline. */
  draw(lines: string): void {
    if (this.ended || this.isAsking) return;
    const text = hasColour(this.output) ? lines : plain(lines);
    this.output.write(`${erase(countLines(this.live))}${text}`);
    this.stand(text);
  }

  /** Shows the cursor where Listr2 hides it, so that it is never left hidden, however hapg ends. */
  showCursor(): void {
    if (this.output.isTTY) this.output.write(SHOW_CURSOR);
  }

  /** Asks one question. Rejects with Interrupted on Ctrl-C, Ctrl-D or the end of the input, with UsageError without a terminal. */
  ask(question: string): Promise<string> {
    return this.askInTurn(question, false);
  }

  /** Asks without echo. Rejects as `ask`. */
  askHidden(question: string): Promise<string> {
    return this.askInTurn(question, true);
  }

  /** Ends the open question as Ctrl-C does. Returns whether there was one. */
  interrupt(): boolean {
    this.open?.abort();
    return this.isAsking;
  }

  /** Erases the live lines and ends the open question; later text is appended. To be called before the process ends. */
  async end(): Promise<void> {
    this.stopped = true;
    this.interrupt();
    await this.turn;
    this.takeDown();
    this.ended = true;
  }

  /**
   * Ends the process once everything is written; never with 0 when a result could not be written, as on a full disk.
   */
  exit(code: number): void {
    this.output.write('', (error?: NodeJS.ErrnoException | null) => {
      const cause = this.lost ?? error;
      // The reader has gone.
      const lost = cause && cause.code !== 'EPIPE' ? cause : undefined;
      if (lost) this.printMessage(`standard output could not be written: ${lost.message}`);
      process.exit(lost && code === EXIT.done ? EXIT.failed : code);
    });
  }

  /** Erases the live lines until they are drawn again. */
  private takeDown(): void {
    if (this.live) this.output.write(erase(countLines(this.live)));
    this.stand('');
  }

  /** Draws these live lines. */
  private stand(lines: string): void {
    this.live = lines;
    // Only with live lines: an editor, which owns the whole terminal, has to be stopped together with this process.
    const listens = process.listeners('SIGTSTP').includes(this.stop);
    if (lines && !listens) process.on('SIGTSTP', this.stop);
    if (!lines && listens) process.off('SIGTSTP', this.stop);
  }

  private write(stream: Output, text: string, clean = true): void {
    if (this.isAsking) {
      this.waiting.push(() => this.write(stream, text, clean));
      return;
    }
    const live = stream.isTTY ? this.live : '';
    if (live) this.output.write(erase(countLines(live)));
    stream.write(fit(stream, clean ? scrub(text) : text));
    if (live) this.output.write(live);
  }

  private askInTurn(question: string, hidden: boolean): Promise<string> {
    const answer = this.turn.then(() => this.askNow(question, hidden));
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  private async askNow(question: string, hidden: boolean): Promise<string> {
    // After an interrupt at one question the next ones are not asked.
    if (this.stopped || this.ended) throw new Interrupted();
    const output = this.terminal;
    if (!output || !(this.input instanceof ReadStream)) throw new UsageError(`${question.trim()} needs a terminal`);
    this.takeDown();
    this.open = new AbortController();
    try {
      return await readLine(fit(output, question), { input: this.input, output }, { hidden, signal: this.open.signal });
    } catch (cause) {
      this.stopped = true;
      throw cause;
    } finally {
      this.open = undefined;
      for (const write of this.waiting.splice(0)) write();
    }
  }

  /**
   * The terminal for questions: the standard stream that is a terminal, else the controlling terminal; undefined when
   * there is none.
   */
  private get terminal(): WriteStream | undefined {
    for (const stream of [this.messages, this.output]) if (stream instanceof WriteStream && stream.isTTY) return stream;
    this.controlling ??= this.canAsk ? controllingTerminal() : undefined;
    return this.controlling;
  }

  private controlling: WriteStream | undefined;
}

function controllingTerminal(): WriteStream | undefined {
  try {
    return new WriteStream(openSync('/dev/tty', 'w'));
  } catch {
    return undefined;
  }
}

/** A text as this stream shows it: without colours where it has none. */
function fit(stream: Output, text: string): string {
  const coloured = hasColour(stream) ? text : plain(text);
  return stream.isTTY ? visible(coloured) : coloured;
}

/** The screen of this process. */
export const screen = new Screen();
