import { hapg } from '../../src/cli.ts';

export interface Ended {
  code: number;
  out: string;
  err: string;
}

const capture = (stream: NodeJS.WriteStream): { text: () => string; restore: () => void } => {
  const { write } = stream;
  let text = '';
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    const done = rest.at(-1);
    if (typeof done === 'function') done();
    return true;
  }) as typeof stream.write;
  return { text: () => text, restore: () => Object.assign(stream, { write }) };
};

process.setMaxListeners(0);

/**
 * Runs a command line in this process, which takes milliseconds where a process of its own takes half a second. What it
 * prints is returned; a command that ends the process or reads standard input is not for this.
 */
export async function inProcess(words: readonly string[]): Promise<Ended> {
  const [out, err] = [capture(process.stdout), capture(process.stderr)];
  try {
    const code = await hapg(words);
    return { code, out: out.text(), err: err.text() };
  } finally {
    out.restore();
    err.restore();
    process.removeAllListeners('SIGINT');
    process.removeAllListeners('SIGTERM');
  }
}
