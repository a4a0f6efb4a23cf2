import { execFileSync, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientUri } from '../../src/cluster/connect.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { type Cluster, hostsWith, patroniScope } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import { BIN, median, ms, run } from './measure.ts';

/** Milliseconds between two attempts of the writer. */
const EVERY_MS = 100;

const inside = (cluster: Cluster, host: string, script: string): string =>
  execFileSync('docker', ['exec', `${cluster.name}-${host}`, 'sh', '-c', script]).toString();

/** Who leads, who takes over next, once the cluster is whole again. */
async function members(cluster: Cluster): Promise<{ leader: string; next: string }> {
  for (;;) {
    const { code, out } = await run(process.execPath, [BIN, 'status', '-i', cluster.file, '-o', 'json']);
    if (code === 0) {
      const list = (JSON.parse(out) as { members: { name: string; role: string }[] }).members;
      const named = (role: RegExp) => list.find((one) => role.test(one.role))?.name ?? '';
      return { leader: named(/leader/), next: named(/sync_standby|quorum_standby/) };
    }
    await sleep(1000);
  }
}

/** Seconds of processor time that a host has used since it was started (cgroup v2, cpu.stat). */
const processorSeconds = (cluster: Cluster, host: string): number =>
  Number(/^usage_usec (\d+)/m.exec(inside(cluster, host, 'cat /sys/fs/cgroup/cpu.stat'))?.[1] ?? Number.NaN) / 1e6;

/** The longest time without a write while `work` was done, as a client has it: each attempt a connection of its own (ms). */
async function longestGap(cluster: Cluster, work: () => Promise<unknown>): Promise<number> {
  const uri = clientUri(cluster, 'primary')!;
  const client = hostsWith(cluster, 'client')[0]!.name;
  const script = `export PGPASSFILE=${PATHS.clientPasswords} PGCONNECT_TIMEOUT=3
while :; do timeout 5 /usr/lib/postgresql/*/bin/psql -XAtq -d '${uri}' -c 'insert into hapg_bench values (default)' >/dev/null 2>&1 && date +%s%3N; sleep ${EVERY_MS / 1000}; done`;
  const writer = spawn('docker', ['exec', '-i', `${cluster.name}-${client}`, 'sh', '-c', script]);
  let out = '';
  writer.stdout.on('data', (chunk) => (out += chunk));
  await sleep(3000);
  await work();
  await sleep(3000);
  writer.kill();
  const times = out.split('\n').filter(Boolean).map(Number);
  return Math.max(...times.slice(1).map((time, index) => time - times[index]!));
}

/**
 * The longest gap of writes of `hapg switchover`, and of `patronictl switchover` by hand, in turns; and the processor time
 * that both hosts use meanwhile. Both are of one machine and one load, so that their ratio is not.
 */
export async function switchovers(inventory: string, rounds: number): Promise<void> {
  const { cluster } = loadInventory(inventory);
  const client = hostsWith(cluster, 'client')[0]!.name;
  inside(
    cluster,
    client,
    `PGPASSFILE=${PATHS.clientPasswords} psql -XAtq -d '${clientUri(cluster, 'primary')}' -c 'create table if not exists hapg_bench (n bigserial)'`,
  );
  const gaps = { hapg: [] as number[], patronictl: [] as number[] };
  const processor = { hapg: [] as number[], patronictl: [] as number[] };
  for (let round = 0; round < rounds; round++)
    for (const way of ['patronictl', 'hapg'] as const) {
      const { leader, next } = await members(cluster);
      const used = () => processorSeconds(cluster, leader) + processorSeconds(cluster, next);
      let spent = 0;
      gaps[way].push(
        await longestGap(cluster, async () => {
          const before = used();
          if (way === 'hapg') {
            const { code, out } = await run(process.execPath, [
              BIN,
              'switchover',
              '--to',
              next,
              '-i',
              inventory,
              '--yes',
            ]);
            if (code !== 0) throw new Error(`hapg switchover failed: ${out}`);
          } else
            inside(
              cluster,
              leader,
              `patronictl -c /etc/patroni/config.yml switchover ${patroniScope(cluster).join(' ')} --leader ${leader} --candidate ${next} --force`,
            );
          await members(cluster);
          spent = used() - before;
        }),
      );
      processor[way].push(spent);
    }
  console.log(
    `switchover, longest gap of writes    hapg ${ms(median(gaps.hapg))}, patronictl ${ms(median(gaps.patronictl))}; ratio ${(median(gaps.hapg) / median(gaps.patronictl)).toFixed(2)}`,
  );
  console.log(`  hapg ${gaps.hapg.join(' ')}; patronictl ${gaps.patronictl.join(' ')}`);
  console.log(
    `  processor time that hapg adds on both hosts, until the cluster is whole: ${(median(processor.hapg) - median(processor.patronictl)).toFixed(2)} s`,
  );
}
