import { loadInventory } from './src/inventory/load.ts';
import { overSsh } from './src/transport/ssh.ts';

const { cluster } = loadInventory(process.argv[2]!);
const n = overSsh({ flags: {}, credentials: {}, timeoutMs: 5000 });
const t = performance.now();
try {
  const m = await n.dial(cluster, cluster.hosts[0]!);
  console.log('dial', (performance.now() - t).toFixed(0));
  console.log(await m.run('echo hi $PPID; id -u', { timeoutMs: 5000 }));
  console.log(await m.beside('echo beside', { timeoutMs: 5000 }));
  m.close();
} catch (e) {
  console.log(String(e));
}
process.exit();
