import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeWords } from '../own-node.ts';
import type { Credentials } from './auth.ts';

/** What the OpenSSH client starts to ask something: it passes the question on to this process, and the answer back. */
const HELPER = `const { connect } = require('node:net');
const socket = connect(process.argv[2]);
process.exitCode = 1;
socket.on('data', () => (process.exitCode = 0));
socket.pipe(process.stdout);
socket.end(JSON.stringify({ question: process.argv[3] ?? '', kind: process.env.SSH_ASKPASS_PROMPT ?? '' }));
`;

/** A private directory for the clients of one run, in which their questions arrive. */
export interface Askpass {
  /** The directory: for configurations and control sockets too. Only this user can enter it. */
  directory: string;
  /** The environment that makes a client ask here. */
  environment: NodeJS.ProcessEnv;
  /** Whether questions of any kind can be answered, and not only those for passphrases. */
  answersAll: boolean;
  /** How many questions wait for an answer. */
  readonly waiting: number;
}

/** The directories of this process. */
const directories = new Set<string>();

const PASSPHRASE = /^Enter passphrase for (?:key )?'?(.+?)'?: ?$/;

/**
 * Answers what OpenSSH clients of this process ask (ssh(1), SSH_ASKPASS), which could not ask on a terminal with live
 * lines. A question that nobody can answer is refused. The directory goes with this process.
 */
export function askpass(credentials: Credentials): Askpass {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-ssh-'));
  if (directories.size === 0)
    process.once('exit', () => {
      for (const one of directories) rmSync(one, { recursive: true, force: true });
    });
  directories.add(directory);
  const helper = join(directory, 'askpass');
  const socket = join(directory, 'ask');
  const script = `${helper}.cjs`;
  writeFileSync(script, HELPER, { mode: 0o600 });
  const words = [...nodeWords(script), socket].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  writeFileSync(helper, `#!/bin/sh\nexec ${words.join(' ')} "$1"\n`, { mode: 0o700 });
  let waiting = 0;
  /** The answer, with which the client goes on; empty where there is none. */
  const reply = async (question: string, kind: string): Promise<string> => {
    // "none" is a notice, such as one to touch the key.
    if (kind === 'none') return '\n';
    const [, file] = PASSPHRASE.exec(question) ?? [];
    const ask =
      file && credentials.passphrase
        ? () => credentials.passphrase!(file)
        : credentials.answer && (() => credentials.answer!(question));
    if (!ask) return '';
    waiting++;
    try {
      return `${(await ask()).reveal()}\n`;
    } catch {
      return '';
    } finally {
      waiting--;
    }
  };
  const serve = (connection: Socket) => {
    let text = '';
    connection.setEncoding('utf8');
    connection.on('error', () => undefined);
    connection.on('data', (chunk: string) => {
      text += chunk;
    });
    connection.on('end', () => {
      const { question, kind } = JSON.parse(text) as { question: string; kind: string };
      void reply(question, kind).then((answer) => connection.end(answer));
    });
  };
  // The client's own end must not keep the answer from it.
  createServer({ allowHalfOpen: true }, serve).listen(socket).unref();
  return {
    directory,
    answersAll: credentials.answer !== undefined,
    environment: { ...process.env, LC_ALL: 'C', SSH_ASKPASS: helper, SSH_ASKPASS_REQUIRE: 'force' },
    get waiting() {
      return waiting;
    },
  };
}
