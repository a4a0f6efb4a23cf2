import { execFile, spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { EXIT, KnownError } from '../errors.ts';

const run = promisify(execFile);
const MAX = 64 * 1024 * 1024;

/** A failed lab command. */
export class LabError extends KnownError {
  constructor(message: string) {
    super(message, EXIT.failed);
  }
}

/** Runs docker; returns its standard output. Throws LabError with docker's own message. */
export async function docker(...args: string[]): Promise<string> {
  try {
    return (await run('docker', args, { maxBuffer: MAX })).stdout;
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new LabError(`docker ${args[0]}: ${(stderr || message).trim()}`);
  }
}

const works = (command: string, ...args: string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

/**
 * Makes sure that an engine answers: uses the present one; on Debian and Ubuntu, as root, installs the distribution's
 * and starts it. `say` reports what is installed or started.
 */
export async function ensureDocker(say: (text: string) => void): Promise<void> {
  if (await works('docker', 'info')) return;
  const root = process.getuid?.() === 0;
  if (!root)
    throw new LabError(
      'no Docker engine answers ("docker info" fails). Start it, or run this as root to have it installed',
    );
  if (!(await works('dockerd', '--version'))) {
    if (!existsSync('/usr/bin/apt-get'))
      throw new LabError('no Docker engine is installed, and this is no Debian or Ubuntu machine: install one first');
    say("installing Debian's docker.io and iptables (apt-get install)");
    await apt('docker.io', 'iptables');
  }
  say('starting the Docker engine');
  if (existsSync('/run/systemd/system')) await run('systemctl', ['start', 'docker']);
  else {
    const log = openSync('/var/log/dockerd.log', 'a');
    spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] }).unref();
  }
  for (let tries = 0; tries < 100; tries++) {
    if (await works('docker', 'info')) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new LabError('the Docker engine did not start; see /var/log/dockerd.log');
}

/** Installs packages on the machine that runs the lab. */
export async function apt(...packages: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', '--no-install-recommends'];
  try {
    await run('apt-get', ['-q', 'update'], { env, maxBuffer: MAX });
    await run('apt-get', [...options, 'install', ...packages], { env, maxBuffer: MAX });
  } catch (cause) {
    throw new LabError(
      `apt-get install ${packages.join(' ')}: ${(cause as { stderr?: string }).stderr?.trim() ?? cause}`,
    );
  }
}

/** Whether a program is on the path. */
export const hasProgram = (name: string): Promise<boolean> => works('sh', '-c', `command -v ${name}`);
