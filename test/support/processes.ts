import { spawnSync } from 'node:child_process';
import { CLEAN_ENVIRONMENT } from '../../src/shell/environment.ts';

/** How many processes a probe may start on a host, by the role that says most about it. */
export const PROCESS_LIMITS: readonly [role: string, limit: number][] = [
  ['patroni', 40],
  ['haproxy', 20],
  ['client', 15],
];

/**
 * How many processes a script starts in a container, whatever else goes on there: it runs in a namespace of process numbers
 * of its own, in which they are counted (pid_namespaces(7)). Throws when the script cannot be run.
 */
export function processesOf(container: string, script: string): number {
  const { status, stdout, stderr } = spawnSync(
    'docker',
    ['exec', '-i', container, 'sh', '-c', `exec ${CLEAN_ENVIRONMENT} unshare -p -f /bin/sh`],
    { input: `(\n${script}\n) >/dev/null 2>&1\ncat /proc/sys/kernel/ns_last_pid\n`, encoding: 'utf8' },
  );
  const last = Number(stdout.trim());
  if (status !== 0 || !(last > 0)) throw new Error(`processes cannot be counted in ${container}: ${stderr}`);
  // The shell that counts, and the program that prints the number.
  return last - 2;
}
