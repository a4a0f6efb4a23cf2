import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../inventory/model.ts';
import { pgpass } from '../secrets/pgpass.ts';
import type { SecretStore } from '../secrets/store.ts';

/** This machine as a client of a cluster. */
export interface ClientHere {
  /** A directory of the owner's only, for the files of the client's work. */
  directory: string;
  authority: string;
  /** A password file for libpq. */
  passwords: string;
  /** Starts sh with a script; Ctrl-C does not reach it. */
  start(script: string, output: 'pipe' | 'ignore'): ChildProcess;
  /** Runs sh and returns what it printed. Rejects when it fails, when its time is over, and when `signal` is aborted. */
  run(script: string, timeoutSeconds: number, signal?: AbortSignal): Promise<string>;
  /** Removes the files, passwords above all. */
  cleanUp(): void;
}

/** Makes this machine a client: the authority and the passwords go into files of a directory that `cleanUp` removes. */
export function clientHere(cluster: Cluster, secrets: SecretStore, name: string): ClientHere {
  const directory = join(cluster.stateDir, name);
  const authority = join(directory, 'ca.crt');
  const passwords = join(directory, 'pgpass');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(authority, secrets.trusted('postgres'));
  writeFileSync(passwords, pgpass(cluster, secrets).reveal(), { mode: 0o600 });
  const start: ClientHere['start'] = (script, output) => {
    const child = spawn('sh', ['-s'], {
      // Without the operator's environment: PGHOST or PGOPTIONS would make it a different client than an application is.
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['pipe', output, output],
      // Ctrl-C is for the command, not for its load.
      detached: true,
    });
    child.stdin!.end(script);
    return child;
  };
  return {
    ...{ directory, authority, passwords, start },
    run: (script, timeoutSeconds, signal) =>
      new Promise((done, failed) => {
        const child = start(script, 'pipe');
        let out = '';
        let errors = '';
        child.stdout!.on('data', (chunk) => (out += chunk));
        child.stderr!.on('data', (chunk) => (errors += chunk));
        // Detached, it leads a group of its own: what it has started ends with it.
        const end = () => {
          try {
            if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
          } catch {
            // It has ended in the meantime.
          }
        };
        const timer = setTimeout(end, timeoutSeconds * 1000);
        signal?.addEventListener('abort', end);
        child.on('error', failed);
        child.on('close', (code) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', end);
          if (code === 0) done(out);
          else failed(new Error(errors.trim().split('\n').at(-1) || `exit ${code}`));
        });
      }),
    cleanUp: () => rmSync(directory, { recursive: true, force: true }),
  };
}
