import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { apply } from '../../playbooks/apply.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { probeScript } from '../../src/engine/probe.ts';
import { assumedContext } from '../../src/engine/survey.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import type { SecretStore } from '../../src/secrets/store.ts';

/** The built command. */
export const BIN = resolve('dist/hapg.js');

export const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
export const ms = (value: number) => `${Math.round(value)} ms`;

export interface Timed {
  ms: number;
  code: number | null;
  /** Peak resident memory, in MiB. */
  mib: number;
  /** The controller's own processor time. */
  cpuMs: number;
  out: string;
}

/** Runs a program to its end; `input` is its standard input. */
export function run(program: string, args: string[], input = ''): Promise<Timed> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  let out = '';
  let mib = 0;
  let cpuMs = 0;
  const sample = setInterval(() => {
    try {
      mib = Math.max(
        mib,
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
      );
      // proc(5): utime and stime, in ticks of 10 ms, behind the name in brackets.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      cpuMs = (Number(fields[11]) + Number(fields[12])) * 10;
    } catch {
      // It has ended between two looks.
    }
  }, 20);
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((done) =>
    child.on('close', (code) => {
      clearInterval(sample);
      done({ ms: performance.now() - started, code, mib, cpuMs, out });
    }),
  );
}

/** The probe scripts that a no-op apply of this inventory sends, by host. */
export async function probeScripts(cluster: Cluster, secrets: SecretStore): Promise<Map<string, string>> {
  const context = assumedContext(cluster, secrets);
  const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };
  return new Map(
    cluster.hosts.map((host) => [
      host.name,
      probeScript(
        cluster,
        host,
        allSteps(apply, host, context, scope).flatMap(({ steps }) => steps),
        'BENCH',
      ),
    ]),
  );
}
