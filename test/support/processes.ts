import { spawnSync } from 'node:child_process';
import { CLEAN_ENVIRONMENT } from '../../src/shell/environment.ts';

/** Limit of the processes that a probe starts on a host, by the role that costs most. */
export const PROCESS_LIMITS: readonly [role: string, limit: number][] = [
  ['patroni', 40],
  ['haproxy', 20],
  ['client', 15],
];

/**
 * Counts the processes that a script starts in a container, independently of everything else there: it runs in a
 * process namespace of its own, in which they are numbered (pid_namespaces(7)). Throws when the script cannot be run.
 */
export function processesOf(container: string, script: string): number {
  const { status, stdout, stderr } = spawnSync(
    'docker',
    ['exec', '-i', container, 'sh', '-c', `exec ${CLEAN_ENVIRONMENT} unshare -p -f /bin/sh`],
    { input: `(\n${script}\n) >/dev/null 2>&1\ncat /proc/sys/kernel/ns_last_pid\n`, encoding: 'utf8' },
  );
  const last = Number(stdout.trim());
  if (status !== 0 || !(last > 0)) throw new Error(`processes cannot be counted in ${container}: ${stderr}`);
  // Without the counting shell and the program that prints the number.
  return last - 2;
}
