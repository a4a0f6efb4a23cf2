import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { EXIT, KnownError } from '../errors.ts';

const execute = promisify(execFile);
/** Bound of what a program of the lab prints (bytes). */
const MAX = 64 * 1024 * 1024;

/** A failed lab command. */
export class LabError extends KnownError {
  constructor(message: string) {
    super(message, EXIT.failed);
  }
}

/** Runs a program of this machine, in `cwd`; returns its standard output. Throws LabError with the program's own message. */
export async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  try {
    return (await execute(program, args, { cwd, maxBuffer: MAX })).stdout;
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new LabError(`${program} ${args[0]}: ${(stderr || message).trim()}`);
  }
}

/** Whether a program ends with success. */
export const works = (program: string, ...args: string[]): Promise<boolean> =>
  execute(program, args).then(
    () => true,
    () => false,
  );

/** Whether a program is on the path. */
export const hasProgram = (name: string): Promise<boolean> => works('sh', '-c', `command -v ${name}`);

/** Installs packages on the machine that runs the lab. */
export async function apt(...packages: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', '--no-install-recommends'];
  try {
    await execute('apt-get', ['-q', 'update'], { env, maxBuffer: MAX });
    await execute('apt-get', [...options, 'install', ...packages], { env, maxBuffer: MAX });
  } catch (cause) {
    throw new LabError(
      `apt-get install ${packages.join(' ')}: ${(cause as { stderr?: string }).stderr?.trim() ?? cause}`,
    );
  }
}

/**
 * Runs programs connected by pipes, the first with `input` on its standard input; rejects with the end of what they
 * wrote.
 */
export function pipe(commands: readonly (readonly string[])[], input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    let errors = '';
    let left = commands.length;
    let failed = false;
    const children = commands.map(([program, ...args]) => spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    for (const [index, child] of children.entries()) {
      child.stderr.on('data', (chunk: Buffer) => {
        errors = (errors + chunk.toString()).slice(-2000);
      });
      const next = children[index + 1];
      if (next) child.stdout.pipe(next.stdin);
      else child.stdout.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
      child.on('error', reject);
      child.on('close', (code) => {
        failed ||= code !== 0;
        if (--left > 0) return;
        if (failed) reject(new LabError(`${commands.map((one) => one[0]).join(' | ')}: ${errors.trim()}`));
        else resolve();
      });
    }
    children[0]!.stdin.end(input);
  });
}

/** Waits until `check` is true (an error counts as false); throws LabError after `seconds`. */
export async function waitFor(what: string, seconds: number, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await check().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 250));
  }
  throw new LabError(`waited ${seconds} s for ${what}`);
}
