import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { hapg, program } from '../../src/cli.ts';
import { verbFirst } from '../../src/commands/option-words.ts';
import { screen } from '../../src/view/screen.ts';
import { documentOfCommand, wrongWith } from './documents.ts';

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
  expectDocument(words, text.out);
  return { code: value, ...text };
}

/** Holds what `-o json` has printed against the schema of the command's document, in every test that runs one. */
function expectDocument(words: readonly string[], out: string): void {
  const isJson = words.some(
    (word, at) => word === '-ojson' || (word === 'json' && /^(-o|--output)$/.test(words[at - 1]!)),
  );
  if (!isJson || out.trim() === '') return;
  let document: unknown;
  try {
    document = JSON.parse(out);
  } catch {
    return; // A test of what is no document says so itself.
  }
  const [first = '', second = ''] = verbFirst(program, words);
  const own = documentOfCommand(`${first} ${second}`) ?? documentOfCommand(first);
  const isError = typeof document === 'object' && document !== null && 'error' in document && 'exit_code' in document;
  const name = isError ? 'error' : own;
  // The status of several clusters is a list of them.
  if (!name || (name === 'status' && Array.isArray(document))) return;
  assert.deepEqual(wrongWith(name, document), [], `the document of hapg ${words.join(' ')}`);
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
