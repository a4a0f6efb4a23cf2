import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** Runs POSIX sh as a host would, with programs of `path` in front of the machine's own; output and status. */
export function sh(script: string, { path }: { path?: string } = {}): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-s'], {
    input: script,
    encoding: 'utf8',
    env: { PATH: path ? `${path}:${process.env.PATH}` : process.env.PATH, LC_ALL: 'C' },
  });
  return { code: status, out: `${stdout}${stderr}` };
}

/** A directory of programs, each a script of sh, for the `path` of `sh`; gone after the tests of the file. */
export function programs(scripts: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-programs-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(scripts))
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return directory;
}
