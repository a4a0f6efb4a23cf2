import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadInventory } from '../../src/inventory/load.ts';

/**
 * `hapg restore` of a database of some GB beside `pgbackrest restore` alone, on the same host, of the same backup. Needs a
 * lab that is up and applied; its data is replaced by what pgbench makes.
 */
const { values } = parseArgs({
  options: {
    inventory: { type: 'string', short: 'i', default: 'inventory/lab.yaml' },
    scale: { type: 'string', default: '150' },
    runs: { type: 'string', default: '3' },
  },
});
const BIN = resolve('dist/hapg.js');
const { cluster } = loadInventory(values.inventory);
const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

function on(host: string, script: string): string {
  const { status, stdout, stderr } = spawnSync('docker', ['exec', `${cluster.name}-${host}`, 'sh', '-c', script], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${host}: ${script}\n${stdout.slice(-1000)}${stderr.slice(-1000)}`);
  return stdout.trim();
}
function hapg<T>(...args: string[]): T {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args, '-i', values.inventory, '-o', 'json'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`hapg ${args.join(' ')}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout) as T;
}

interface Members {
  members: { name: string; role: string }[];
}
const leader = () => hapg<Members>('status').members.find((one) => one.role === 'leader')!.name;
const postgres = (command: string) => `runuser -u postgres -- ${command}`;

on(leader(), postgres(`pgbench -q -i -s ${values.scale} app >/dev/null 2>&1`));
hapg('backup', '--type', 'full', '--yes');
const size = Number(on(leader(), postgres("psql -XAtqc 'select sum(pg_database_size(oid)) from pg_database'")));
console.log(`database of ${(size / 1024 ** 3).toFixed(1)} GiB`);
const alone: number[] = [];
const inside: number[] = [];
const others: number[] = [];
for (let round = 0; round < Number(values.runs); round++) {
  const host = leader();
  const scratch = '/var/lib/postgresql/bench-restore';
  const script = `${postgres(`mkdir -m 0700 ${scratch}`)}; t=$(date +%s%3N); ${postgres(`pgbackrest --stanza=${cluster.stanza} --pg1-path=${scratch} --log-level-console=warn restore`)} >/dev/null && echo $(($(date +%s%3N) - t)); rm -rf ${scratch}`;
  const tookMs = Number(on(host, script));
  if (!(tookMs > 0)) throw new Error('pgbackrest restore alone failed');
  alone.push(tookMs);
  const result = hapg<{ duration_ms: number; restore_ms: number }>(
    ...['restore', '--latest', '--yes', '--confirm', cluster.name],
  );
  inside.push(result.restore_ms);
  others.push(result.duration_ms - result.restore_ms);
  // What was moved aside would fill the machine that carries the lab.
  const { dataDir } = cluster.hosts.find(({ name }) => name === host)!;
  on(host, `rm -rf ${dataDir}.before-restore-*`);
}
console.log(`pgbackrest restore alone   ${(median(alone) / 1000).toFixed(1)} s`);
console.log(
  `within hapg restore        ${(median(inside) / 1000).toFixed(1)} s   ratio ${(median(inside) / median(alone)).toFixed(2)}`,
);
console.log(
  `all the rest               ${(median(others) / 1000).toFixed(1)} s   (stopping, recovery, new backup, two replicas, checks)`,
);
