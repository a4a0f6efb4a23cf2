import { Writable } from 'node:stream';
import { hapg } from '../../src/cli.ts';
import { screen } from '../../src/view/screen.ts';

export interface Ended {
  code: number;
  out: string;
  err: string;
}

class Collector extends Writable {
  text = '';
  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

/**
 * Runs a command line in this process, which takes milliseconds where a process of its own takes half a second, and
 * returns its output. Not for commands that read standard input.
 */
export async function inProcess(words: readonly string[]): Promise<Ended> {
  const { value, ...text } = await captured(() => hapg(words));
  return { code: value, ...text };
}

/** Does work in this process, and returns its result with what it printed. */
export async function captured<T>(work: () => Promise<T>): Promise<{ value: T; out: string; err: string }> {
  const [output, messages] = [new Collector(), new Collector()];
  // Only the screen writes, so the output of this process itself is not mistaken for the command's.
  const streams = screen as unknown as { output: unknown; messages: unknown };
  const own = { output: streams.output, messages: streams.messages };
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => [signal, process.listeners(signal)] as const);
  Object.assign(streams, { output, messages });
  try {
    return { value: await work(), out: output.text, err: messages.text };
  } finally {
    Object.assign(streams, own);
    for (const [signal, before] of listeners)
      for (const one of process.listeners(signal)) if (!before.includes(one)) process.removeListener(signal, one);
  }
}
