import { type ChildProcessWithoutNullStreams, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { Duplex, type Readable } from 'node:stream';

/** The most that is kept of what a program says on its standard error (characters). */
const KEPT = 65_536;

/**
 * A program of this machine as a connection: what is written goes to its standard input, what it prints is read. Destroying
 * it ends the program; the end of the program destroys it.
 */
export class ProgramStream extends Duplex {
  private words = '';
  private status: number | undefined;

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    super({ autoDestroy: false });
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.words = (this.words + chunk.toString('utf8')).slice(-KEPT);
    });
    // A program that ends while something is written to it; its end is reported below.
    child.stdin.on('error', () => undefined);
    child.on('error', (cause) => this.destroy(cause));
    // Only now its last words are known.
    child.on('close', (code) => {
      this.status = code ?? undefined;
      this.once('end', () => this.destroy());
      this.push(null);
      if (this.readableFlowing === null) this.resume();
    });
  }

  /** The program's standard error. */
  get stderr(): Readable {
    return this.child.stderr;
  }

  /** The lines that the program last wrote to its standard error. */
  get said(): string[] {
    return this.words
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  }

  /** The program's exit status once it has ended; undefined for one that a signal has ended. */
  get code(): number | undefined {
    return this.status;
  }

  /** Ends the program. */
  close(): void {
    this.destroy();
  }

  override _read(): void {
    this.child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.child.kill();
    this.child.stdin.destroy();
    done(error);
  }
}

/**
 * Starts a program as a connection, in a process group of its own: Ctrl-C is for hapg alone. A program that does not start
 * is an error of the stream.
 */
export const startProgram = (
  program: string,
  args: readonly string[],
  options: SpawnOptionsWithoutStdio = {},
): ProgramStream => new ProgramStream(spawn(program, args, { ...options, stdio: 'pipe', detached: true }));

/** Starts a command of ssh_config(5), ProxyCommand, with the user's shell, as ssh does. */
export const startCommand = (command: string): ProgramStream =>
  startProgram(process.env.SHELL || '/bin/sh', ['-c', `exec ${command}`]);
