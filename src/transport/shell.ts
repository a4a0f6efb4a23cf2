import { randomBytes } from 'node:crypto';
import { Interrupted } from '../errors.ts';
import { frame, unframe } from '../shell/frame.ts';
import type { Channel } from './login.ts';
import type { RunOptions, ShellAnswer } from './machine.ts';

/** A request exceeded its bound. */
class ShellTimeout extends Error {
  constructor(readonly seconds: number) {
    super(`no answer within ${seconds} s`);
  }
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * One persistent `/bin/sh` of the super user on a host. Requests run one after another. A lost channel rejects the
 * request in flight and all waiting ones with the reason. The shell ends with its SSH session, and so does every lock
 * that it holds.
 */
export class RootShell {
  private received: Buffer = Buffer.alloc(0);
  private chunks: Buffer[] = [];
  private tail: Promise<unknown> = Promise.resolve();
  private waiting: { mark: string; done: (answer: ShellAnswer) => void; fail: (error: Error) => void } | undefined;
  private broken: Error | undefined;
  private readonly nonce = randomBytes(12).toString('hex');
  private sequence = 0;

  constructor(private readonly channel: Channel) {
    channel.on('data', (chunk: Buffer) => this.take(chunk));
    channel.on('close', () => this.fail(new Error('the connection was lost')));
    channel.on('error', (error: Error) => this.fail(error));
  }

  /** Whether scripts can still be run. */
  get isOpen(): boolean {
    return this.broken === undefined;
  }

  /** Ends the shell. */
  close(): void {
    this.channel.close();
  }

  /** Rejects all requests; nothing can be run afterwards. */
  fail(error: Error): void {
    this.broken ??= error;
    this.waiting?.fail(this.broken);
    this.waiting = undefined;
  }

  /**
   * Runs a script and waits for its end. A non-zero status is an answer, not an error. Rejects when the link is lost or
   * too slow, or the signal is aborted; the shell cannot be used then, because the answer may still arrive.
   */
  run(script: string, options: RunOptions): Promise<ShellAnswer> {
    const turn = this.tail.then(() => this.send(script, options));
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  private send(script: string, { timeoutMs, inShell, signal }: RunOptions): Promise<ShellAnswer> {
    if (signal?.aborted) this.fail(new Interrupted());
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      const mark = `${this.nonce}.${++this.sequence}`;
      const timer = setTimeout(() => this.fail(new ShellTimeout(timeoutMs / 1000)), timeoutMs);
      const leave = () => this.fail(new Interrupted());
      signal?.addEventListener('abort', leave);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', leave);
          then(value);
        };
      this.waiting = { mark, done: settle(resolve), fail: settle(reject) };
      this.channel.write(frame(script, mark, inShell));
    });
  }

  private take(chunk: Buffer): void {
    this.chunks.push(chunk);
    const waiting = this.waiting;
    if (!waiting) return;
    // The mark ends with a newline, so only a chunk that holds one can complete the answer.
    if (!chunk.includes(10)) return;
    this.received = Buffer.concat([this.received, ...this.chunks]);
    this.chunks = [];
    if (this.received.length > MAX_OUTPUT_BYTES) {
      this.fail(new Error(`more than ${MAX_OUTPUT_BYTES} bytes of output`));
      return;
    }
    const answer = unframe(this.received, waiting.mark);
    if (!answer) return;
    this.received = answer.rest;
    this.waiting = undefined;
    waiting.done({ output: answer.output, code: answer.code });
  }
}
