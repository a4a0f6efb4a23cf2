import type { Readable } from 'node:stream';

/** A command that runs on a host: what it is sent, what it prints, its end. */
export interface Channel {
  readonly stderr: Readable;
  write(text: string): boolean;
  /** Ends the command. */
  close(): void;
  on(event: 'data', listener: (chunk: Buffer) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'close', listener: () => void): this;
  removeListener(event: string, listener: (...args: never[]) => void): this;
}

/** A login on a host, over which commands run. */
export interface Login {
  /** Starts a command without a terminal. Rejects when none can be started. */
  exec(command: string): Promise<Channel>;
  /** Whether the operator is being asked something, for which nobody's time runs out. */
  readonly isAsking: boolean;
  /** Why the login itself failed; undefined where it did not, or is not known to have. */
  readonly failure: Error | undefined;
  /** Calls back once when the login has ended, by itself or by `end`. */
  onEnd(listener: () => void): void;
  end(): void;
}
