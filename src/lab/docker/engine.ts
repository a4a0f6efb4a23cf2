import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { ENGINE_S } from '../../bounds/lab.ts';
import { apt, LabError, run, waitFor, works } from '../programs.ts';

/** Runs docker; returns its standard output. Throws LabError with docker's own message. */
export const docker = (...args: string[]): Promise<string> => run('docker', args);

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
  await waitFor('the Docker engine (/var/log/dockerd.log)', ENGINE_S, () => works('docker', 'info'));
}
