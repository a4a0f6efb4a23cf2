import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientUri } from '../../src/cluster/connect.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { type Cluster, hostsWith, patroniScope } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import { BIN, median, ms, run } from './measure.ts';

/** Milliseconds between two attempts of the writer. */
const EVERY_MS = 100;
/** The most writes of one writer: some two minutes of them. */
const MOST_WRITES = 1000;

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

/** Processor time that logins to a host have used since it was started (s): what hapg runs there (cgroup v2, cpu.stat). */
const loginSeconds = (cluster: Cluster, host: string): number =>
  Number(
    /^usage_usec (\d+)/m.exec(inside(cluster, host, 'cat /sys/fs/cgroup/system.slice/ssh.service/cpu.stat'))?.[1] ??
      Number.NaN,
  ) / 1e6;

/** Runs a command on a host; returns the processor time of it and of what it started (s; proc(5), cutime and cstime). */
const timedInside = (cluster: Cluster, host: string, command: string): number => {
  const out = inside(cluster, host, `${command} >/dev/null 2>&1; cut -d' ' -f16,17 < /proc/$$/stat; getconf CLK_TCK`);
  const [user, system, ticks] = out.trim().split(/\s+/).map(Number);
  return (user! + system!) / ticks!;
};

/** The longest time without a write while `work` was done, as a client has it: each attempt a connection of its own (ms). */
async function longestGap(cluster: Cluster, work: () => Promise<unknown>): Promise<number> {
  const uri = clientUri(cluster, 'primary')!;
  const client = hostsWith(cluster, 'client')[0]!.name;
  // The shell in the container outlives the program that started it, so it ends with its own file, or after a while.
  const mark = '/run/hapg-bench-writes';
  const script = `export PGPASSFILE=${PATHS.clientPasswords} PGCONNECT_TIMEOUT=3
: > ${mark}; n=0
while [ -e ${mark} ] && [ $n -lt ${MOST_WRITES} ]; do n=$((n + 1)); timeout 5 /usr/lib/postgresql/*/bin/psql -XAtq -d '${uri}' -c 'insert into hapg_bench values (default)' >/dev/null 2>&1 && date +%s%3N; sleep ${EVERY_MS / 1000}; done`;
  const writer = spawn('docker', ['exec', '-i', `${cluster.name}-${client}`, 'sh', '-c', script]);
  let out = '';
  writer.stdout.on('data', (chunk) => (out += chunk));
  const ended = once(writer, 'close');
  try {
    await sleep(3000);
    await work();
    await sleep(3000);
  } finally {
    inside(cluster, client, `rm -f ${mark}`);
    await ended;
  }
  const times = out.split('\n').filter(Boolean).map(Number);
  return Math.max(...times.slice(1).map((time, index) => time - times[index]!));
}

/**
 * The longest gap of writes of `hapg switchover`, and of `patronictl switchover` by hand, in turns; and the processor
 * time that both take on the two hosts, hapg's from its first look to its verdict. Both are of one machine and one load, so that their ratio is not.
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
      const used = () => loginSeconds(cluster, leader) + loginSeconds(cluster, next);
      let spent = 0;
      gaps[way].push(
        await longestGap(cluster, async () => {
          if (way === 'patronictl') {
            const scope = patroniScope(cluster).join(' ');
            const command = `patronictl -c /etc/patroni/config.yml switchover ${scope} --leader ${leader} --candidate ${next} --force`;
            spent = timedInside(cluster, leader, command);
            return;
          }
          const before = used();
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
    `  processor time on both hosts          hapg ${median(processor.hapg).toFixed(2)} s with all its looks, patronictl by hand ${median(processor.patronictl).toFixed(2)} s`,
  );
}
