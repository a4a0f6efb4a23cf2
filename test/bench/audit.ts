import { execFileSync, spawnSync } from 'node:child_process';
import { loadInventory } from '../../src/inventory/load.ts';
import { labAdd } from '../../src/lab/lab.ts';

/**
 * Hardening, measured by others: lynis on a hardened host beside an untouched one, ssh-audit from outside,
 * systemd-analyze on the units. Needs a lab that is up and applied; ends with 1 below a floor.
 */
const { cluster } = loadInventory(process.argv[2] ?? 'inventory/lab.yaml');
const FLOORS = { lynisBetterBy: 12, unitExposure: 5.0 };
const network = cluster.hosts[0]!.address.replace(/\d+$/, '');
let bad = 0;

function on(host: string, script: string): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('docker', ['exec', `${cluster.name}-${host}`, 'sh', '-c', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { code: status, out: stdout + stderr };
}

function judge(what: string, figure: string, good: boolean): void {
  console.log(`${good ? 'ok  ' : 'FAIL'}  ${what.padEnd(44)} ${figure}`);
  if (!good) bad++;
}

const install = (host: string, ...packages: string[]) => {
  const { code, out } = on(
    host,
    `DEBIAN_FRONTEND=noninteractive apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install ${packages.join(' ')}`,
  );
  if (code !== 0) throw new Error(out);
};
const lynis = (host: string): number => {
  install(host, 'lynis');
  return Number(/Hardening index : (\d+)/.exec(on(host, 'lynis audit system --quick --no-colors').out)?.[1]);
};

const UNTOUCHED = 'untouched';
await labAdd(cluster, UNTOUCHED, `${network}90`);
try {
  const before = lynis(UNTOUCHED);
  for (const host of ['db1', 'client']) {
    const after = lynis(host);
    judge(`lynis index of ${host}, untouched host ${before}`, String(after), after - before >= FLOORS.lynisBetterBy);
  }
  install(UNTOUCHED, 'ssh-audit');
  for (const host of cluster.hosts) {
    const { code } = on(UNTOUCHED, `ssh-audit ${host.address}`);
    judge(`ssh-audit of ${host.name}`, `exit ${code}`, code === 0);
  }
  for (const [host, units] of [
    ['db1', ['etcd', 'patroni', 'pgbackrest']],
    ['proxy1', ['haproxy', 'keepalived']],
  ] as const)
    for (const unit of units) {
      const exposure = Number(
        /Overall exposure level for \S+: ([\d.]+)/.exec(
          on(host, `systemd-analyze security --no-pager ${unit}.service`).out,
        )?.[1],
      );
      const floored = unit === 'etcd' || unit === 'haproxy';
      judge(`systemd-analyze security ${unit}`, String(exposure), !floored || exposure <= FLOORS.unitExposure);
    }
} finally {
  execFileSync('docker', ['rm', '-f', `${cluster.name}-${UNTOUCHED}`], { stdio: 'ignore' });
}
process.exitCode = bad > 0 ? 1 : 0;
