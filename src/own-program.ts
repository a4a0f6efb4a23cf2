import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';

/** How much of a program's output is kept (characters). */
const KEPT = 64 * 1024;

/** Variables of this process that no program of the operator's gets. */
const SECRETS = ['HAPG_BECOME_PASSWORD', 'HAPG_KEY_PASSPHRASE'];

/** A program of the operator's on this machine, and its arguments. */
export type CommandLine = readonly [program: string, ...args: string[]];

/**
 * Reads a program as an inventory names it: alone, or in a list with its arguments. A relative path begins at
 * `directory`; a bare name is looked for in PATH, as a shell does.
 */
export function commandLine(given: string | readonly string[], directory: string): CommandLine {
  const [program, ...args] = (typeof given === 'string' ? [given] : given) as [string, ...string[]];
  return [program.includes('/') ? resolve(directory, program) : program, ...args];
}

/** Returns why a program with a path cannot be called; undefined where it can, and for one of PATH. */
export function whyNotCallable([program]: CommandLine): string | undefined {
  if (!program.includes('/')) return undefined;
  try {
    accessSync(program, constants.X_OK);
    return undefined;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EACCES' ? 'is not executable: chmod +x' : 'is not there';
  }
}

/** How a program ended. */
export interface Ended {
  /** Why it failed; undefined when it succeeded. */
  failure: string | undefined;
  /** The end of what it printed to standard output. */
  stdout: string;
  /** The end of what it printed to standard error. */
  stderr: string;
  /** The lines of both of its streams, as they came, without empty ones. */
  lines: string[];
}

/** How a program is called. */
export interface Calling {
  /** Variables beside those of this process. */
  variables: Readonly<Record<string, string>>;
  directory: string;
  /** Time after which it is killed (s). */
  seconds: number;
  /** Kills it when aborted. */
  signal?: AbortSignal | undefined;
}

/** Runs a program of the operator's and waits for its end. It is killed with all that it has started. Never rejects. */
export function callProgram([program, ...args]: CommandLine, about: Calling): Promise<Ended> {
  const { variables, directory, seconds, signal } = about;
  const env = { ...process.env };
  for (const name of SECRETS) delete env[name];
  return new Promise((done) => {
    // A group of its own, so that what it has started ends with it.
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let text = '';
    let stdout = '';
    let stderr = '';
    let why: string | undefined;
    const end = (reason: string) => {
      why ??= reason;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(() => end(`it took longer than ${seconds} s`), seconds * 1000);
    const leave = () => end('it was interrupted');
    signal?.addEventListener('abort', leave, { once: true });
    const take = (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-KEPT);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      stdout = (stdout + chunk.toString()).slice(-KEPT);
      take(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-KEPT);
      take(chunk);
    });
    const finish = (failure: string | undefined) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
      done({ failure: why ?? failure, stdout, stderr, lines: text.split('\n').filter((line) => line.trim()) });
    };
    child.on('error', (cause) =>
      finish(`it does not start (${(cause as NodeJS.ErrnoException).code ?? cause.message})`),
    );
    // "exit", not "close": a daemon that it has left may keep the pipes open.
    child.on('exit', (code, by) => setImmediate(() => finish(code === 0 ? undefined : `it ended with ${code ?? by}`)));
  });
}
