import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadInventory } from '../../src/inventory/load.ts';
import type { RoleName } from '../../src/roles.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { file } from '../../src/steps/file.ts';
import { PROCESS_LIMITS, processesOf } from '../support/processes.ts';
import { hosts } from './loopback.ts';
import { BIN, median, ms, probeScripts, run } from './measure.ts';
import { switchovers } from './switchover.ts';

/**
 * Measures, never judges by the clock alone:
 * - a no-op apply of a lab that is up, beside the floor: parallel OpenSSH clients, each running the very probe script;
 * - growth with the number of steps (the time of one host's probe with 10, 100 and 1,000 file steps);
 * - the processes that a probe starts, by role of host;
 * - with `--only switchover`, which changes who leads: the gap of writes beside that of patronictl by hand;
 * - growth with the number of hosts: sshd processes on loopback, 1 to 200 of them, with the controller's memory.
 */
const { values } = parseArgs({
  options: {
    inventory: { type: 'string', short: 'i', default: 'inventory/lab.yaml' },
    runs: { type: 'string', default: '7' },
    only: { type: 'string' },
  },
});
const RUNS = Number(values.runs);
const want = (part: string) => !values.only || values.only === part;

async function noop(): Promise<void> {
  const { cluster } = loadInventory(values.inventory);
  const scripts = await probeScripts(cluster, (await SecretStore.read(cluster))!);
  const key = resolve(values.inventory, '..', cluster.settings.ssh.key ?? '');
  const known = join(cluster.stateDir, 'known_hosts');
  const floor = () =>
    Promise.all(
      cluster.hosts.map((host) =>
        run(
          'ssh',
          [
            '-i',
            key,
            '-o',
            `UserKnownHostsFile=${known}`,
            '-o',
            'BatchMode=yes',
            '-p',
            String(host.ssh.port),
            `root@${host.ssh.host}`,
            '/bin/sh',
          ],
          scripts.get(host.name)!,
        ),
      ),
    );
  const floors: number[] = [];
  const ours: number[] = [];
  const status: number[] = [];
  for (let round = 0; round < RUNS; round++) {
    const started = performance.now();
    const answers = await floor();
    floors.push(performance.now() - started);
    const bad = answers.find((answer) => answer.code !== 0 || !answer.out.includes('BENCH'));
    if (bad) throw new Error(`the floor did not run: ${bad.code} ${bad.out.slice(0, 200)}`);
    const applied = await run(process.execPath, [BIN, 'apply', '-i', values.inventory, '--yes', '-o', 'json']);
    if (applied.code !== 0 || (JSON.parse(applied.out) as { changes: unknown[] }).changes.length > 0)
      throw new Error('apply was no no-op: run it once before the bench');
    ours.push(applied.ms);
    status.push((await run(process.execPath, [BIN, 'status', '-i', values.inventory])).ms);
  }
  console.log(
    `no-op apply, ${cluster.hosts.length} hosts    ${ms(median(ours))}   (floor: parallel OpenSSH with the same probes ${ms(median(floors))}; ratio ${(median(ours) / median(floors)).toFixed(2)})`,
  );
  console.log(`status, ${cluster.hosts.length} hosts         ${ms(median(status))}`);
}

function steps(): void {
  const { cluster } = loadInventory(values.inventory);
  const host = cluster.hosts.at(-1)!;
  const times: [number, number][] = [];
  for (const count of [10, 100, 1000]) {
    const list = Array.from({ length: count }, (_, index) =>
      file('client', `/etc/hapg-bench/file-${index}`, `content ${index}\n`),
    );
    const took: number[] = [];
    for (let round = 0; round < RUNS; round++) {
      const started = performance.now();
      const kind = list[0]!.kind;
      const answer = execFileSync('sh', { input: kind.probe(list) }).toString();
      const states = kind.parse(answer, list);
      for (const one of list) kind.diff(one, states.get(one.id)!);
      took.push(performance.now() - started);
    }
    times.push([count, median(took)]);
    console.log(`probe and diff, ${String(count).padStart(4)} file steps on ${host.name}  ${ms(median(took))}`);
  }
  const [[few, fast], , [many, slow]] = times as [[number, number], [number, number], [number, number]];
  console.log(`growth: ${((slow - fast) / (many - few)).toFixed(3)} ms a step`);
}

/** The processes that a probe of a no-op apply starts, by role of host; that figure does not depend on the machine. */
async function processes(): Promise<void> {
  const { cluster } = loadInventory(values.inventory);
  const scripts = await probeScripts(cluster, (await SecretStore.read(cluster))!);
  for (const [role, limit] of PROCESS_LIMITS) {
    const hosts = cluster.hosts.filter((host) => host.roles.has(role as RoleName));
    const counts = hosts.map(({ name }) => processesOf(`${cluster.name}-${name}`, scripts.get(name)!));
    console.log(`processes a probe, ${role.padEnd(8)}  ${counts.join(' ')}   (at most ${limit})`);
  }
}

if (want('processes')) await processes();
if (values.only === 'switchover') await switchovers(values.inventory, RUNS);
if (want('steps')) steps();
if (want('hosts')) await hosts();
if (want('noop')) await noop();
