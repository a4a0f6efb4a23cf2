import { spawnSync } from 'node:child_process';

/** Runs POSIX sh as a host would, with programs of `path` in front of the machine's own; output and status. */
export function sh(script: string, { path }: { path?: string } = {}): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-s'], {
    input: script,
    encoding: 'utf8',
    env: { PATH: path ? `${path}:${process.env.PATH}` : process.env.PATH, LC_ALL: 'C' },
  });
  return { code: status, out: `${stdout}${stderr}` };
}
